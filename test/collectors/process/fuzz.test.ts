import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { encodeByObject } from '../../../src/metrics/text/encoder.ts';
import { parseText } from '../../../src/metrics/text/parse.ts';
import { DAMAGES } from '../../kit/damages.ts';
import { randomFrom } from '../../kit/random.ts';
import { ProcTree, type Seen } from './proc-tree.ts';

// Processes, one of which has a damaged file: the collector returns samples, losses are counted, and the other processes
// do not change. The collector reads files itself, so a file that fails is a folder here (EISDIR).

/** For another seed: FUZZ_SEED=7 node --test test/collectors/process/fuzz.test.ts */
const SEED = process.env.FUZZ_SEED ?? '1';
const ROUNDS = 80;
const FILES = ['stat', 'status', 'io', 'limits', 'cmdline', 'cgroup'];
const PIDS = [7, 8, 9];
const OPTIONS = { process_names: [{ name: '{{.Comm}}', cmdline: ['^/opt/'] }], byPod: true };

const MISTAKE = /BUG:|Cannot (?:read|set|convert|mix|destructure)|is not (?:a function|iterable|defined)|call stack/;

/** Series by key, without the collector's self metrics. */
const seriesOf = ({ collected: { snapshot } }: Seen): Map<string, number> =>
  new Map(
    snapshot.keys
      .map((key, index) => [key, snapshot.values[index] as number] as const)
      .filter(([key]) => key.includes('groupname=')),
  );

test('one damaged file of one process', async (context) => {
  const tree = new ProcTree(context);
  const restore = () => {
    for (const pid of PIDS) {
      rmSync(tree.path(`${pid}`), { recursive: true, force: true });
      tree.set(pid, { comm: `p${pid}`, argv: ['/opt/x'], files: 2, swapKib: 3, pages: 5, cgroup: '0::/\n' });
    }
  };
  restore();
  const usual = seriesOf(await tree.collector(OPTIONS)());
  let counted = 0;
  for (let round = 0; round < ROUNDS; round++) {
    restore();
    const random = randomFrom(`${SEED} ${round}`);
    const pid = random.pick(PIDS);
    const file = random.pick(FILES);
    const damage = random.pick(DAMAGES);
    const path = tree.path(`${pid}`, file);
    const what = `FUZZ_SEED=${SEED}, round ${round}: ${damage.name} of ${path}`;
    const text = readFileSync(path, 'latin1');
    if (damage.error !== undefined) {
      rmSync(path);
      mkdirSync(path);
    } else writeFileSync(path, damage.apply(text, random), 'latin1');
    // The second cycle uses cached data of the first.
    const collect = tree.collector(OPTIONS);
    for (const seen of [await collect(), await collect()]) {
      const { result, snapshot } = seen.collected;
      assert.notEqual(result.outcome, 'fault', `${what}: ${result.reason}`);
      for (const { message } of result.errors) assert.ok(!MISTAKE.test(message), `${what}: ${message}`);
      for (const chunk of encodeByObject([snapshot])) assert.ok([...parseText(chunk.toString())], what);
      const values = seriesOf(seen);
      for (const [series, value] of values) assert.ok(Number.isFinite(value), `${what}: ${series} ${value}`);
      for (const [series, value] of usual) {
        const isOwn = series.includes(`groupname="p${pid}"`);
        if (!isOwn) assert.equal(values.get(series), value, `${what}: ${series}`);
        // Without arguments, a process matches no group, like a kernel thread. Limits of an exiting process are empty.
        const isRight = file === 'cmdline' || file === 'cgroup' || (file === 'limits' && damage.error === undefined);
        if (values.has(series) || !damage.isNever || isRight) continue;
        assert.ok(result.errors.length > 0, `${what}: ${series} is missing without an error`);
      }
      if (result.errors.length > 0) counted++;
    }
  }
  assert.ok(counted > ROUNDS / 4, 'the damages are found');
  context.diagnostic(`seed ${SEED}: ${ROUNDS} rounds, errors in ${counted} cycles`);
});
