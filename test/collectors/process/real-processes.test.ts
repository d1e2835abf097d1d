import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { CollectorSpec } from '../../../src/collectors/collector.ts';
import { KNOWN_LOSSES, lossText } from '../../../src/collectors/known-losses.ts';
import { processCollector } from '../../../src/collectors/process/index.ts';
import { DEFAULT_PATHS } from '../../../src/host/paths.ts';
import { collectorOn } from '../../kit/collect.ts';
import { PATIENCE_MS, Seen } from './proc-tree.ts';

// With the processes of this host.

/** Each child uses some CPU and exits; twenty at a time. */
const BOMB =
  'for ((n = 0; n < 500; n++)); do (for ((i = 0; i < 1000; i++)); do :; done) & ((n % 20)) || wait; done; wait';

test('while 500 processes start and exit, no counter falls and nothing is lost', { timeout: 180_000 }, async (t) => {
  const bomb = spawn('bash', ['-c', `exec -a firesteel-bomb bash -c '${BOMB}' firesteel-bomb`], { stdio: 'ignore' });
  t.after(() => bomb.kill('SIGKILL'));
  const ended = once(bomb, 'exit');
  const options = { process_names: [{ name: 'bomb', cmdline: ['^firesteel-bomb '] }] };
  const spec = processCollector() as unknown as CollectorSpec;
  const collect = collectorOn(spec, DEFAULT_PATHS, options, Date.now, PATIENCE_MS);
  const counters = ['minor_page_faults_total', 'major_page_faults_total', 'read_bytes_total'] as const;
  let before = counters.map(() => 0);
  let most = 0;
  while (bomb.exitCode === null && bomb.signalCode === null) {
    const seen = new Seen(await collect());
    assert.deepEqual(seen.losses, []);
    const now = counters.map((name) => seen.of('bomb', name) ?? 0);
    for (const [index, value] of now.entries()) {
      assert.ok(value >= (before[index] as number), `${counters[index]} fell from ${before[index]} to ${value}`);
    }
    most = Math.max(most, seen.of('bomb', 'num_procs') ?? 0);
    before = now;
  }
  assert.deepEqual(await ended, [0, null]);
  t.diagnostic(`${most} concurrent processes seen`);
  assert.ok((before[0] as number) > 0, 'page faults of those that have ended');
  assert.equal(new Seen(await collect()).of('bomb', 'num_procs'), 0);
});

/** Collects once and prints series and losses of sleeping processes. */
const SCRIPT = `
import { bindCollector } from '@/src/collectors/collector.ts';
import { processCollector, processSection } from '@/src/collectors/process/index.ts';
import { Host } from '@/src/host/host.ts';
import { DEFAULT_PATHS } from '@/src/host/paths.ts';
import { Snapshot } from '@/src/metrics/snapshot.ts';
const { enabled, ...options } = processSection.parse({ process_names: [{ name: 'it', cmdline: [process.argv[1]] }] });
const world = { host: new Host(DEFAULT_PATHS), now: Date.now };
const out = new Snapshot();
await bindCollector('process', processCollector(), world, options).collect(out, new AbortController().signal);
const values = Object.fromEntries(out.keys.map((key, index) => [key, out.values[index]]));
console.log(JSON.stringify({ values, errors: out.errors.map(String), withheld: out.withheld }));
`.replaceAll('@/', new URL('../../../', import.meta.url).href);

const NOBODY = 65_534;

test('data that another user may not read is missing and counted, never 0', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can start processes of another user');
  const name = `firesteel-denied-${process.pid}`;
  const child = spawn('sleep', ['60'], { argv0: name, stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', SCRIPT, `^${name} 60$`];
  const run = promisify(execFile)(process.execPath, args, { uid: NOBODY, gid: NOBODY, cwd: '/', encoding: 'utf8' });
  const failed = await run.then(
    () => undefined,
    (cause: { stderr: string }) => cause.stderr,
  );
  if (failed?.includes('EACCES') || failed?.includes('permission denied')) {
    return t.skip(`user ${NOBODY} may not read ${fileURLToPath(new URL('../../..', import.meta.url))}`);
  }
  const { values, errors, withheld } = JSON.parse((await run).stdout) as {
    values: Record<string, number>;
    errors: string[];
    withheld: string[];
  };
  const of = (family: string) => values[`namedprocess_namegroup_${family}{groupname="it"}`];
  assert.equal(of('num_procs'), 1);
  assert.ok(Number(values['namedprocess_namegroup_memory_bytes{groupname="it",memtype="resident"}']) > 0);
  for (const family of ['read_bytes_total', 'write_bytes_total']) assert.equal(of(family), undefined, family);
  // Since Linux 6.2 all users may read the number of open files, but not the files themselves.
  const files = readdirSync(`/proc/${child.pid}/fd`).length;
  assert.ok([files, undefined].includes(of('open_filedesc')), `${of('open_filedesc')} of ${files} open files`);
  assert.equal(values.namedprocess_scrape_partial_errors, 1);
  // A permission that this user lacks is not a fault.
  assert.deepEqual(errors, []);
  const known = KNOWN_LOSSES.find(({ collector, units }) => collector === 'process.process' && units.includes('io'));
  assert.deepEqual(withheld, known && [lossText(known)]);
});
