import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns, turn } from '../../src/base/turns.ts';

/** Longer than a slice, so that each step uses one up. */
const STEP_MS = 3;
/** A slice has room for four of these. */
const SHORT_STEP_MS = 0.5;
const STEPS = 80;

const block = (milliseconds: number) => {
  for (const end = performance.now() + milliseconds; performance.now() < end; );
};

/** Four times work of {@link STEPS} steps; returns which of the four made each step, by turn of the event loop. */
async function run(stepMs: number): Promise<number[][]> {
  const turns: number[][] = [[]];
  const count = () => {
    turns.push([]);
    counting = setImmediate(count);
  };
  let counting = setImmediate(count);
  const work = async (wait: () => Promise<void> | undefined, index: number) => {
    for (let step = 0; step < STEPS; step++) {
      await wait();
      block(stepMs);
      turns.at(-1)?.push(index);
    }
  };
  const own = new Turns(new AbortController().signal);
  await Promise.all([turn, () => (own.isOver ? own.next() : undefined), turn, turn].map(work));
  clearImmediate(counting);
  return turns;
}

test('a slice is not exceeded by more than a step, however much work waits for it', async () => {
  const turns = await run(STEP_MS);
  // All began in the first slice. Later ones may begin before or after the turn is counted.
  const most = Math.max(...turns.slice(1).map(({ length }) => length));
  assert.ok(most <= 2, `${most} steps in one turn`);
});

test('all work that waits gets equal time, and none waits until another has ended', async () => {
  const order = (await run(SHORT_STEP_MS)).flat();
  const [done, last] = [
    [0, 0, 0, 0],
    [0, 0, 0, 0],
  ];
  for (const [at, index] of order.entries()) {
    done[index] = (done[index] ?? 0) + 1;
    // A slice in which the kernel runs another process has fewer steps.
    const lead = Math.max(...done) - Math.min(...done);
    assert.ok(lead <= STEPS / 2, `${lead} steps ahead: ${order.join(' ')}`);
    const pause = at - (last[index] ?? 0);
    // Three slices of the others, each with up to five steps.
    assert.ok(pause <= 16, `${pause} steps of others in between: ${order.join(' ')}`);
    last[index] = at;
  }
});

test('work ends with the reason of its signal', async () => {
  const stopping = new AbortController();
  const turns = new Turns(stopping.signal);
  const waiting = turns.next();
  stopping.abort(new Error('the agent is stopping'));
  await assert.rejects(waiting, /the agent is stopping/);
});

test('a process that was idle needs no turn, unless other work waits for one', async () => {
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(turn(), undefined);
  block(STEP_MS);
  const first = turn();
  assert.ok(first);
  // One step as long as that, in a process with little CPU.
  block(150);
  const second = turn();
  assert.ok(second);
  await Promise.all([first, second]);
});
