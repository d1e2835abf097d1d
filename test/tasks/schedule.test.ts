import assert from 'node:assert/strict';
import { mock, type TestContext, test } from 'node:test';
import { Heap } from '../../src/tasks/heap.ts';
import { firstInMs, offsetOf, type Scheduled, TaskSchedule } from '../../src/tasks/schedule.ts';

/** A schedule on a clock that the test advances. */
function scene(t: TestContext) {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const clock = { wall: 1_700_000_000_000, mono: 5000 };
  const schedule = new TaskSchedule({ now: () => clock.wall, monotonicMs: () => clock.mono });
  return {
    clock,
    schedule,
    /** Advances time in steps of a timer. */
    pass(milliseconds: number, step = 10) {
      for (let gone = 0; gone < milliseconds; gone += step) {
        clock.wall += step;
        clock.mono += step;
        mock.timers.tick(step);
      }
    },
    task(intervalMs: number, offsetMs: number, first?: number) {
      const runs: number[] = [];
      let missed = 0;
      const task: Scheduled = {
        intervalMs,
        offsetMs,
        firstInMs: first,
        due: () => runs.push(clock.wall),
        missed: (count) => {
          missed += count;
        },
      };
      schedule.add(task);
      return {
        task,
        runs,
        get missed() {
          return missed;
        },
      };
    },
  };
}

test('tasks run at the points of their grids on the wall clock', (t) => {
  const { pass, task } = scene(t);
  const one = task(1000, 300);
  const two = task(2000, 1700);
  pass(10_000);
  assert.equal(one.runs.length, 10);
  assert.equal(two.runs.length, 5);
  for (const at of one.runs) assert.equal(at % 1000, 300);
  for (const at of two.runs) assert.equal(at % 2000, 1700);
  assert.equal(one.missed + two.missed, 0);
});

test('a clock set back by an hour delays nothing, and the grid is restored', (t) => {
  const { pass, task, clock } = scene(t);
  const one = task(1000, 0);
  pass(3000);
  clock.wall -= 3_600_000 + 123;
  const before = one.runs.length;
  pass(5000);
  const after = one.runs.slice(before);
  assert.ok(after.length >= 4 && after.length <= 6, String(after));
  for (const at of after.slice(1)) assert.ok(at % 1000 < 10, String(after));
});

test('missed times are counted and not made up for', (t) => {
  const { pass, task, clock } = scene(t);
  const one = task(1000, 0);
  pass(2000);
  const before = one.runs.length;
  clock.wall += 10_500;
  clock.mono += 10_500;
  pass(2000);
  assert.ok(one.missed >= 9 && one.missed <= 10, String(one.missed));
  assert.ok(one.runs.length - before <= 3, String(one.runs));
  assert.equal((one.runs.at(-1) ?? 1) % 1000, 0);
});

test('a removed task does not run, and others keep their schedule', (t) => {
  const { pass, task, schedule } = scene(t);
  const gone = task(1000, 500);
  const stays = task(1000, 250);
  pass(2000);
  schedule.remove(gone.task);
  const count = gone.runs.length;
  pass(5000);
  assert.equal(gone.runs.length, count);
  assert.equal(stays.runs.length, 7);
  assert.equal(schedule.nextMs(gone.task), undefined);
});

test('offsets are constant, differ between nodes and ids, and are at most a minute; long intervals start within 30 s', () => {
  const offset = offsetOf('c', 'n1', 'shop', 3_600_000);
  assert.equal(offsetOf('c', 'n1', 'shop', 3_600_000), offset);
  assert.ok(offset < 60_000);
  const all = Array.from({ length: 200 }, (_, index) => offsetOf('c', 'n1', `task-${index}`, 10_000));
  assert.ok(new Set(all).size > 150);
  for (let quarter = 0; quarter < 4; quarter++) {
    const inside = all.filter((value) => value >= quarter * 2500 && value < (quarter + 1) * 2500).length;
    assert.ok(inside > 25, `quarter ${quarter} has ${inside}`);
  }
  assert.equal(firstInMs(10_000, 1234), undefined);
  assert.equal(firstInMs(3_600_000, 45_000), 15_000);
});

test('a first run that is requested early is early, and then the grid applies', (t) => {
  const { pass, task } = scene(t);
  const one = task(60_000, 7000, 2000);
  pass(130_000, 50);
  assert.ok(one.runs.length >= 2);
  for (const at of one.runs.slice(1)) assert.equal(at % 60_000, 7000);
});

test('the heap returns the smallest first', () => {
  const heap = new Heap<number>((a, b) => a - b);
  const numbers = Array.from({ length: 500 }, (_, index) => (index * 7919) % 1009);
  for (const number of numbers) heap.push(number);
  heap.keep((number) => number % 2 === 0);
  const sorted: number[] = [];
  for (let next = heap.pop(); next !== undefined; next = heap.pop()) sorted.push(next);
  assert.deepEqual(
    sorted,
    numbers.filter((number) => number % 2 === 0).sort((a, b) => a - b),
  );
});
