import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { keepHeapSmall, releaseProgram } from '../../src/agent/memory.ts';
import { createLog } from '../../src/base/log.ts';

test('the heap is collected after the first cycles, and Node does not expose gc afterwards', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const references = new WeakRef({ of: 'the start' });
  keepHeapSmall(createLog('silent'));
  // The object stays alive until the end of this turn, which the collection must outlast.
  return Promise.resolve().then(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    t.mock.timers.tick(20_000);
    assert.equal(references.deref(), undefined);
    t.mock.timers.tick(600_000);
    assert.equal('gc' in globalThis, false);
  });
});

/** The times, in seconds, at which unused pages are released in this many seconds, `failsAt` being the number of one that fails. */
async function releases(t: TestContext, seconds: number, intervalMs: number, failsAt?: number): Promise<number[]> {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const times: number[] = [];
  let now = 0;
  const pages = {
    async releaseUnused() {
      times.push(now);
      if (times.length === failsAt) throw new Error('no node:ffi');
    },
    get areKnown() {
      return times.length > 4;
    },
  };
  releaseProgram(createLog('silent'), intervalMs, pages);
  for (now = 1; now <= seconds; now++) {
    t.mock.timers.tick(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return times;
}

test('unused pages of the program are searched for in each cycle until all are known, then every 150 s', async (t) => {
  const first = [105, 120, 135, 150, 165];
  assert.deepEqual(await releases(t, 600, 1000), [...first, 315, 465]);
});

test('unused pages of the program are searched for no more often than there are cycles', async (t) => {
  assert.deepEqual((await releases(t, 300, 60_000)).slice(0, 3), [150, 210, 270]);
});

test('unused pages of the program are not searched for where they cannot be released', async (t) => {
  assert.deepEqual(await releases(t, 300, 1000, 2), [105, 120]);
});
