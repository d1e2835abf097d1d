import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { Disables } from '../../src/status/disables.ts';
import { scratchFolder } from '../kit/host-tree.ts';

const HOUR = 3_600_000;

/** Disabled collectors in a file, with a clock that the test advances; `again` reads the file again. */
async function kept(t: TestContext, file: string | undefined = join(scratchFolder(t), 'state.json')) {
  const clock = { now: 1_800_000_000_000 };
  const lines: { msg: string; err?: { message: string } }[] = [];
  const log = createLog('info', { write: (line) => lines.push(JSON.parse(line)) });
  const again = async () => {
    const disables = new Disables({ file: () => file, now: () => clock.now, log });
    const isUsable = await disables.start();
    return { disables, isUsable };
  };
  return { file: file ?? '', clock, lines, again, ...(await again()) };
}

test('a collector is disabled until its time is over, to the millisecond', async (t) => {
  const { disables, clock, lines } = await kept(t);
  await disables.disable('node.cpu', HOUR, 'why');
  const view = disables.get('node.cpu');
  assert.deepEqual(view, { sinceMs: clock.now, untilMs: clock.now + HOUR, reason: 'why', persisted: true });
  assert.equal(disables.get('node.disk'), undefined);
  clock.now += HOUR - 1;
  assert.ok(disables.get('node.cpu'));
  clock.now += 1;
  assert.equal(disables.get('node.cpu'), undefined);
  assert.equal(disables.get('node.cpu'), undefined);
  const over = lines.filter(
    ({ msg }) => msg === 'collector enabled again: the time for which it was disabled has passed',
  );
  assert.equal(over.length, 1, 'it is logged once');
});

test('disabled collectors survive a restart, and their time also ends while the agent is down', async (t) => {
  const { disables, clock, again, file } = await kept(t, join(scratchFolder(t), 'not/there/yet/state.json'));
  await Promise.all([disables.disable('a.short', HOUR, 'x'), disables.disable('a.long', 3 * HOUR, 'y')]);
  await disables.disable('a.ended', 3 * HOUR, 'z');
  await disables.enable('a.ended');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  clock.now += 2 * HOUR;
  const { disables: after } = await again();
  assert.deepEqual(
    ['a.short', 'a.long', 'a.ended'].map((id) => after.get(id)?.reason),
    [undefined, 'y', undefined],
  );
});

test('no time is longer than a day, whatever the caller, the file or the clock say', async (t) => {
  const { disables, clock, again, file } = await kept(t);
  await disables.disable('a.b', 1000 * HOUR, 'x');
  assert.equal(disables.get('a.b')?.untilMs, clock.now + 24 * HOUR);
  clock.now -= 10 * HOUR;
  assert.equal(disables.get('a.b'), undefined, 'the clock was set back: 34 hours are too long');
  const forged = { sinceMs: clock.now, untilMs: clock.now + 1000 * HOUR, reason: 'x' };
  writeFileSync(file, JSON.stringify({ disabled: { 'a.b': forged } }));
  assert.equal((await again()).disables.get('a.b'), undefined);
});

test('a damaged file is reported, and kept when others are disabled', async (t) => {
  for (const content of ['', '{', '[]', '{"disabled":{"a.b":{"reason":1}}}', 'x'.repeat(300_000)]) {
    const file = join(scratchFolder(t), 'state.json');
    writeFileSync(file, content);
    const { disables, isUsable, lines, again } = await kept(t, file);
    assert.equal(isUsable, false);
    assert.equal(disables.get('a.b'), undefined);
    assert.match(lines[0]?.err?.message ?? '', /state\.json ignored: .*; renamed to .*state\.json\.bad$/);
    await disables.disable('a.c', HOUR, 'x');
    assert.equal(readFileSync(`${file}.bad`, 'utf8'), content);
    const next = await again();
    assert.equal(next.isUsable, true);
    assert.equal(next.disables.get('a.c')?.reason, 'x');
  }
});

test('if nothing can be written, the collector is disabled nevertheless, and this is reported', async (t) => {
  const inTheWay = join(scratchFolder(t), 'file');
  writeFileSync(inTheWay, '');
  const { disables, lines } = await kept(t, join(inTheWay, 'state.json'));
  await disables.disable('a.b', HOUR, 'x');
  assert.equal(disables.get('a.b')?.persisted, false);
  assert.match(lines.at(-1)?.err?.message ?? '', /cannot write .*(?:ENOTDIR|EEXIST)/);
  const none = new Disables({ file: () => undefined, now: Date.now, log: createLog('silent') });
  await none.disable('a.b', HOUR, 'x');
  assert.equal(none.get('a.b')?.persisted, false);
});

test('a failed write leaves the file unchanged', async (t) => {
  const { disables, file, lines } = await kept(t);
  await disables.disable('a.b', HOUR, 'x');
  const before = readFileSync(file, 'utf8');
  // A folder with the name of the temporary file, to which root cannot write either.
  mkdirSync(`${file}.part`);
  chmodSync(`${file}.part`, 0o500);
  await disables.disable('a.c', HOUR, 'y');
  assert.equal(readFileSync(file, 'utf8'), before);
  assert.equal(disables.get('a.c')?.persisted, false);
  assert.match(lines.at(-1)?.msg ?? '', /after a restart/);
});
