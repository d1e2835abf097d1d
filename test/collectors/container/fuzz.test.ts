import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerProducers, containerSection } from '../../../src/collectors/container/index.ts';
import { EXTRAS } from '../../../src/collectors/container/options.ts';
import { DeniedFile, UnreadableFile } from '../../../src/host/errors.ts';
import { Host } from '../../../src/host/host.ts';
import type { HostPaths } from '../../../src/host/paths.ts';
import { NoData } from '../../../src/metrics/outcome.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { encodeByObject } from '../../../src/metrics/text/encoder.ts';
import { parseText } from '../../../src/metrics/text/parse.ts';
import { DAMAGES } from '../../kit/damages.ts';
import { randomFrom } from '../../kit/random.ts';
import { recordedNode } from './kit.ts';

// The recorded nodes with one damaged file: the collectors return samples nevertheless, nothing vanishes without an error
// that names the file, and no other cgroup's values change.

/** For another seed: FUZZ_SEED=7 node --test test/collectors/container/fuzz.test.ts */
const SEED = process.env.FUZZ_SEED ?? '1';
const ROUNDS = 60;
const NOW = 1_795_224_360_084;

/** Reads one file with the damage `damage`; records the files that are read. */
class OddHost extends Host {
  readonly seen = new Set<string>();
  readonly #target: string | undefined;
  readonly #damage: ((text: string) => string) | undefined;

  constructor(paths: HostPaths, target?: string, damage?: (text: string) => string) {
    super(paths);
    this.#target = target;
    this.#damage = damage;
  }

  override read(path: string, maxBytes?: number): string {
    const text = super.read(path, maxBytes);
    this.seen.add(path);
    return path === this.#target && this.#damage ? this.#damage(text) : text;
  }
}

async function look(host: Host): Promise<{ values: Map<string, number>; errors: readonly Error[]; chunks: string[] }> {
  const section = containerSection.parse({ families: 'kubelet', extra: EXTRAS });
  const values = new Map<string, number>();
  const errors: Error[] = [];
  const chunks: string[] = [];
  for (const producer of containerProducers({ host, now: () => NOW }, section)) {
    const out = new Snapshot();
    try {
      await producer.collect(out, AbortSignal.timeout(60_000));
    } catch (cause) {
      assert.ok(cause instanceof Error && !(cause instanceof NoData), String(cause));
      errors.push(cause);
    }
    errors.push(...out.errors);
    for (const [index, key] of out.keys.entries()) values.set(key, out.values[index] as number);
    for (const chunk of encodeByObject([out])) chunks.push(chunk.toString());
  }
  return { values, errors, chunks };
}

/** Errors of bugs in the code, also if they were converted to an error of a file. */
const MISTAKE = /BUG:|Cannot (?:read|set|convert|mix|destructure)|is not (?:a function|iterable|defined)|call stack/;

const idOf = (series: string): string | undefined => /id="([^"]*)"/.exec(series)?.[1];

/**
 * Files that may be empty, and those that only contain names: an unusual name results in different series, not fewer.
 */
const MAY_BE_EMPTY =
  /\/(?:io\.stat|cgroup\.procs|blkio\.[\w.]+|diskstats|machine-id|boot_id|os-release|osrelease|comm|cgroup|limits|product_uuid)$/;

for (const version of [1, 2] as const) {
  test(`one damaged file of a node with cgroup v${version}`, async (context) => {
    const { paths } = recordedNode(version);
    const healthy = new OddHost(paths);
    const usual = await look(healthy);
    assert.deepEqual(
      usual.errors.filter(({ message }) => MISTAKE.test(message)),
      [],
    );
    const files = [...healthy.seen].sort();
    const known = usual.errors.length;
    let failed = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const random = randomFrom(`${SEED} ${version} ${round}`);
      const target = random.pick(files);
      const damage = random.pick(DAMAGES);
      const reader = new OddHost(paths, target, (text) => {
        if (damage.error === 'EACCES') throw new DeniedFile(target);
        if (damage.error !== undefined) throw new UnreadableFile(`cannot read ${target}: ${damage.error}`);
        return damage.apply(text, random);
      });
      const { values, errors, chunks } = await look(reader);
      const what = `FUZZ_SEED=${SEED}, round ${round}: ${damage.name} of ${target}`;
      for (const { message } of errors) assert.ok(!MISTAKE.test(message), `${what}: ${message}`);
      for (const chunk of chunks) assert.ok([...parseText(chunk)], what);
      for (const [series, value] of values) assert.ok(Number.isFinite(value), `${what}: ${series} ${value}`);
      const own = target.startsWith(paths.cgroup) ? target.slice(0, target.lastIndexOf('/')) : undefined;
      const isOthers = (series: string) =>
        own !== undefined && !own.endsWith(idOf(series) ?? '?') && idOf(series) !== '/';
      for (const [series, value] of usual.values) {
        const found = values.get(series);
        if (isOthers(series)) assert.equal(found, value, `${what}: ${series}`);
        if (found !== undefined || !damage.isNever || MAY_BE_EMPTY.test(target)) continue;
        assert.ok(errors.length > known, `${what}: ${series} is missing without an error`);
      }
      if (errors.length > known) failed++;
    }
    assert.ok(failed > ROUNDS / 10, 'the damages are found');
    context.diagnostic(`seed ${SEED}: ${ROUNDS} rounds over ${files.length} files, ${failed} with errors`);
  });
}
