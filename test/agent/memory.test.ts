import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { keepHeapSmall } from '../../src/agent/memory.ts';
import { createLog } from '../../src/base/log.ts';

const MIB = 1024 * 1024;

/** Ends the current turn, until which new objects stay alive. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

function start(t: TestContext, idle: () => Promise<void> = () => Promise.resolve()) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  keepHeapSmall(createLog('silent'), idle);
  return async (milliseconds: number) => {
    await turn();
    t.mock.timers.tick(milliseconds);
    await turn();
  };
}

/** A reference to garbage of this size. */
function garbage(bytes: number): WeakRef<object> {
  return new WeakRef({ numbers: new Array<number>(bytes / 8).fill(0.5) });
}

const isCollected = (reference: WeakRef<object>) => reference.deref() === undefined;

test('the heap is collected after the first cycles, and Node does not expose gc afterwards', async (t) => {
  const pass = start(t);
  const ofTheStart = garbage(8);
  await pass(20_000);
  assert.ok(isCollected(ofTheStart));
  await pass(600_000);
  assert.equal('gc' in globalThis, false);
});

test('the heap is collected each time it has grown by 4 MiB, within a minute', async (t) => {
  const pass = start(t);
  await pass(90_000);
  for (let time = 0; time < 3; time++) {
    const much = garbage(6 * MIB);
    await pass(60_000);
    assert.ok(isCollected(much));
  }
});

test('a heap that has not grown is left to V8', async (t) => {
  const pass = start(t);
  await pass(90_000);
  const little = garbage(MIB / 4);
  await pass(60_000);
  assert.ok(!isCollected(little));
});

test('no push cycle is delayed by a collection', async (t) => {
  const cycle = Promise.withResolvers<void>();
  const pass = start(t, () => cycle.promise);
  await pass(90_000);
  const much = garbage(6 * MIB);
  await pass(60_000);
  assert.ok(!isCollected(much));
  // An object that was accessed stays alive until the end of the turn.
  await turn();
  cycle.resolve();
  await turn();
  assert.ok(isCollected(much));
});
