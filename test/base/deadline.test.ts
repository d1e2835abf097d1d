import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadlineIn } from '../../src/base/deadline.ts';

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
