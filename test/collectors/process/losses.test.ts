import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProcessLosses } from '../../../src/collectors/process/losses.ts';
import { DeniedFile, MalformedFile } from '../../../src/host/errors.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';

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
