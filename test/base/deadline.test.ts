import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadlineIn, within } from '../../src/base/deadline.ts';

test('a deadline fires after its time or with the outer signal, and not after the end of the work', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const outer = new AbortController();
  const [passed, cut, ended] = [deadlineIn(100), deadlineIn(100, outer.signal), deadlineIn(100)];
  ended.end();
  outer.abort(new Error('the agent is stopping'));
  assert.equal(cut.signal.reason.message, 'the agent is stopping');
  t.mock.timers.tick(99);
  assert.equal(passed.signal.aborted, false);
  t.mock.timers.tick(1);
  assert.equal(passed.signal.reason.name, 'TimeoutError');
  assert.equal(ended.signal.aborted, false);
});

test('work within a time has its own result, or is given up with the message', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  assert.equal(await within(100, Promise.resolve(7), 'late'), 7);
  await assert.rejects(within(100, Promise.reject(new Error('broken')), 'late'), { message: 'broken' });
  const { promise: slow, reject } = Promise.withResolvers<number>();
  const waiting = within(100, slow, 'the disk took more than 100 ms');
  t.mock.timers.tick(100);
  await assert.rejects(waiting, { message: 'the disk took more than 100 ms' });
  // Not an unhandled rejection.
  reject(new Error('too late'));
  await new Promise((resolve) => setImmediate(resolve));
});
