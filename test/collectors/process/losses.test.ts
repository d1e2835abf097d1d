import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProcessLosses } from '../../../src/collectors/process/losses.ts';
import { DeniedFile, MalformedFile } from '../../../src/host/errors.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { BOOT_TIME, ProcTree } from './proc-tree.ts';

/** The recorded losses if `count` of ten processes lack their `io` for `reason`. */
function recorded(
  count: number,
  reason: Error,
  hasCapabilities: boolean,
): { errors: string[]; withheld: readonly string[] } {
  const losses = new ProcessLosses(hasCapabilities);
  losses.explain('io', reason);
  for (let index = 0; index < count; index++) losses.count('io');
  const out = new Snapshot();
  losses.addTo(out, 10);
  return { errors: out.errors.map(({ message }) => message), withheld: out.withheld };
}

test('a few processes protected from a fully privileged agent are not an error, but counted', () => {
  const { errors, withheld } = recorded(1, new DeniedFile('/proc/1/io'), true);
  assert.deepEqual(errors, []);
  assert.match(withheld.join(), /^io of a process: \/proc\/1\/io: permission denied/);
});

for (const [what, count, reason, hasCapabilities] of [
  ['most processes are refused', 6, new DeniedFile('/proc/7/io'), true],
  ['capabilities are missing', 1, new DeniedFile('/proc/1/io'), false],
  ['a file is malformed', 1, new MalformedFile('/proc/1/io', 1, 'expected a number'), true],
] as const) {
  test(`it is a loss when ${what}`, () => {
    const { errors, withheld } = recorded(count, reason, hasCapabilities);
    assert.equal(errors.length, 1);
    assert.match(errors.join(), /^io of /);
    assert.deepEqual(withheld, []);
  });
}

test('without a boot time there are no start times, and the next cycle reads it again', async (t) => {
  const tree = new ProcTree(t);
  tree.set(7, { comm: 'web' });
  const collect = tree.collector({ process_names: [{ name: '{{.Comm}}', cmdline: ['.+'] }] });
  for (const malformed of ['cpu 1\n', 'btime 9x\n']) {
    tree.write('proc/stat', malformed);
    const seen = await collect();
    assert.equal(seen.collected.result.outcome, 'partial');
    assert.match(seen.losses.join(), /^stat:1: expected/);
    assert.equal(seen.of('web', 'num_procs'), 1);
    assert.equal(seen.of('web', 'oldest_start_time_seconds'), undefined);
    assert.equal(seen.of('web', 'uptime_seconds'), undefined);
  }
  for (const btime of [BOOT_TIME, BOOT_TIME + 60]) {
    tree.write('proc/stat', `btime ${btime}\n`);
    const seen = await collect();
    assert.deepEqual(seen.losses, []);
    assert.equal(seen.of('web', 'oldest_start_time_seconds'), BOOT_TIME + 1);
  }
});

test('names with a start time wait for the boot time', async (t) => {
  const tree = new ProcTree(t, { 'proc/stat': 'btime 9x\n' });
  tree.set(7, { comm: 'web' });
  const collect = tree.collector({ process_names: [{ name: '{{.StartTime}}', cmdline: ['.+'] }], allowPid: true });
  const { result } = (await collect()).collected;
  assert.equal(result.outcome, 'fault');
  assert.match(String(result.errors.map(({ message }) => message)), /\{\{\.StartTime\}\}: .*stat:1: expected a number/);
  tree.write('proc/stat', `btime ${BOOT_TIME}\n`);
  assert.deepEqual((await collect()).groups, { '2023-11-14 22:13:21 +0000 UTC': 1 });
});
