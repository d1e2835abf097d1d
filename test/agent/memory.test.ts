import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepHeapSmall } from '../../src/agent/memory.ts';
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
