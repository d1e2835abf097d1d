import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { createLog } from '../../src/base/log.ts';
import { gauge } from '../../src/metrics/family.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';
import { Scope } from '../../src/metrics/scope.ts';
import type { Snapshot } from '../../src/metrics/snapshot.ts';
import type { TaskSettings } from '../../src/tasks/settings.ts';
import { Task } from '../../src/tasks/task.ts';
import { TaskRunner } from '../../src/tasks/task-runner.ts';
import { defineTaskType, TaskFailure, type TaskRun } from '../../src/tasks/task-type.ts';
import { samplesIn } from '../kit/lines.ts';
import { until } from '../kit/until.ts';

const value = gauge('thing_value', 'A value.', ['place']);

const type = defineTaskType({
  name: 'thing',
  summary: '',
  group: 'exec',
  options: z.strictObject({}),
  families: [value],
  create: () => async () => undefined,
});

interface Options {
  readonly timeout?: number;
  readonly deadline?: number;
  readonly labels?: Record<string, string>;
  readonly gate?: () => string | undefined;
  readonly isStandby?: () => boolean;
  readonly concurrency?: number;
  readonly replaced?: Task;
  readonly onChange?: () => void;
}

function scene(t: TestContext, options: Options = {}) {
  const clocks = { now: Date.now, monotonicMs: () => performance.now() };
  const { gate = () => undefined, isStandby = () => false, concurrency = 10, onChange = () => undefined } = options;
  const log = createLog('silent');
  const runner = new TaskRunner(concurrency, { clocks, log, gate, isStandby, onChange });
  t.after(() => runner.schedule.stop());
  const make = (run: TaskRun, id = 'a', replaced?: Task): Task => {
    const { timeout = 5000, deadline = 6000, labels = {} } = options;
    const common = { id, type: 'thing', enabled: true, interval: 60_000, timeout, deadline, labels };
    const settings: TaskSettings = { common, type, options: {}, source: 'file', input: common };
    return new Task(settings, { runner, run, labels, offsetMs: 0, firstInMs: undefined, log, replaced });
  };
  return { runner, make };
}

/** The samples of tasks in a push. */
async function pushed(...tasks: readonly Task[]) {
  const registry = new AgentRegistry();
  const scope = new Scope();
  for (const { producer } of tasks) scope.addProducer(producer);
  registry.attach([scope]);
  const { groups, results } = await registry.gather(5000);
  const series = (groups.get('exec') ?? []).flatMap((snapshot) =>
    snapshot.keys.map((key, index) => [key, snapshot.values[index]] as const),
  );
  return { series: Object.fromEntries(series), results };
}

test('the times of runs, and how late they started, are histograms by type', async (t) => {
  const { runner, make } = scene(t);
  const task = make(async (out) => out.add(value, 1, 'here'));
  await task.runNow();
  runner.late(task, 250);
  const registry = new AgentRegistry();
  registry.attach([runner.scope]);
  const lines = samplesIn(await registry.metrics());
  for (const line of [
    'firesteel_task_run_seconds_count{type="thing"} 1',
    'firesteel_task_run_seconds_bucket{le="+Inf",type="thing"} 1',
    'firesteel_task_start_delay_seconds_sum{type="thing"} 0.25',
    'firesteel_task_start_delay_seconds_count{type="thing"} 1',
  ]) {
    assert.ok(lines.includes(line), `${line} is not in\n${lines.join('\n')}`);
  }
});

test('the last result is repeated in each push, with the labels of the task', async (t) => {
  const { make } = scene(t, { labels: { team: 'web' } });
  let runs = 0;
  const task = make(async (out) => out.add(value, ++runs, 'here'));
  assert.equal((await pushed(task)).results.at(-1)?.outcome, 'nodata');
  await task.runNow();
  for (let push = 0; push < 2; push++) {
    assert.deepEqual((await pushed(task)).series, { 'thing_value{place="here",team="web"}': 1 });
  }
  await task.runNow();
  assert.deepEqual((await pushed(task)).series, { 'thing_value{place="here",team="web"}': 2 });
});

test('a run whose result cannot be used fails, and the task runs again', async (t) => {
  let breaks: boolean = true;
  const onChange = () => {
    if (breaks) throw new Error('no listener is left');
  };
  const { make } = scene(t, { onChange });
  const task = make(async (out) => out.add(value, 1, 'here'));
  task.due(0);
  await until(() => !task.isBusy);
  assert.deepEqual((await pushed(task)).series, {});
  assert.match((await pushed(task)).results.at(-1)?.reason ?? '', /no listener is left/);
  breaks = false;
  await task.runNow();
  assert.deepEqual((await pushed(task)).series, { 'thing_value{place="here"}': 1 });
});

test('a failed run loses only its own series, and reports why', async (t) => {
  const { make } = scene(t);
  let fails: boolean = false;
  const bad = make(async (out) => {
    out.add(value, 1, 'bad');
    if (fails) throw new Error('no such thing');
  });
  const good = make(async (out) => out.add(value, 2, 'good'), 'b');
  await bad.runNow();
  await good.runNow();
  assert.equal(Object.keys((await pushed(bad, good)).series).length, 2);
  fails = true;
  await bad.runNow();
  const { series, results } = await pushed(bad, good);
  assert.deepEqual(series, { 'thing_value{place="good"}': 2 });
  assert.equal(results.find(({ collector }) => collector === 'a')?.reason, 'no such thing');
  assert.deepEqual(Object.fromEntries(bad.record.runs), { ok: 1, failed: 1 });
});

test('a failure that keeps its samples', async (t) => {
  const { make } = scene(t);
  const task = make(async (out) => {
    out.add(value, 0, 'x');
    throw new TaskFailure('exit', 'ended with 3');
  });
  await task.runNow();
  const { series, results } = await pushed(task);
  assert.deepEqual(series, { 'thing_value{place="x"}': 0 });
  assert.equal(results.at(-1)?.outcome, 'fault');
  assert.deepEqual(Object.fromEntries(task.record.runs), { exit: 1 });
});

test('a run that throws a string, or synchronously, is counted as panic', async (t) => {
  const { make } = scene(t);
  const task = make((() => {
    throw 'a string';
  }) as unknown as TaskRun);
  await task.runNow();
  assert.equal(task.last?.result, 'panic');
  assert.match(task.last?.error ?? '', /a string/);
});

test('a run that reacts to its signal is a timeout; one that does not is stuck, and is not started again', async (t) => {
  const { make } = scene(t, { timeout: 20, deadline: 60 });
  const polite = make(async (_, signal) => {
    await sleep(60_000, undefined, { signal });
  });
  await polite.runNow();
  assert.equal(polite.last?.result, 'timeout');
  const end = Promise.withResolvers<void>();
  const rude = make(async (out) => {
    await end.promise;
    out.add(value, 1, 'late');
  }, 'rude');
  await rude.runNow();
  assert.equal(rude.last?.result, 'stuck');
  assert.equal(rude.state, 'stuck');
  rude.due(0);
  assert.equal(await rude.runNow(), 'busy');
  assert.equal(rude.record.skipped.get('overlap'), 1);
  end.resolve();
  await until(() => rude.state === 'waiting');
  assert.deepEqual((await pushed(rude)).series, {}, 'results after the deadline are dropped');
});

test('after three stuck runs in a row it backs off', async (t) => {
  const { make } = scene(t, { timeout: 5, deadline: 10 });
  let ends: (() => void)[] = [];
  const task = make(() => new Promise<void>((resolve) => ends.push(resolve)));
  for (let time = 1; time <= 3; time++) {
    task.due(0);
    await until(() => task.record.runs.get('stuck') === time);
    for (const end of ends) end();
    ends = [];
    await until(() => task.state === 'waiting');
  }
  task.due(0);
  assert.equal(task.state, 'waiting', 'the first time after the third is skipped');
  task.due(0);
  await until(() => task.state === 'running' || task.state === 'stuck');
  for (const end of ends) end();
});

test('a run waits for a slot for at most its timeout; slots are released', async (t) => {
  const { make } = scene(t, { concurrency: 1, timeout: 30, deadline: 5000 });
  const end = Promise.withResolvers<void>();
  const long = make(async () => end.promise);
  const other = make(async (out) => out.add(value, 1, 'x'), 'b');
  const first = long.runNow();
  other.due(0);
  await until(() => other.record.skipped.get('concurrency') === 1);
  end.resolve();
  await first;
  await other.runNow();
  assert.equal(other.last?.result, 'ok');
});

test('disabled tasks and tasks of a standby do not run', async (t) => {
  let reason: string | undefined = 'maintenance';
  let isStandby: boolean = true;
  const { make } = scene(t, { gate: () => reason, isStandby: () => isStandby });
  const task = make(async (out: Snapshot) => out.add(value, 1, 'x'));
  task.due(0);
  assert.equal(task.state, 'disabled');
  reason = undefined;
  task.due(0);
  assert.deepEqual(Object.fromEntries(task.record.skipped), { disabled: 1, standby: 1 });
  isStandby = false;
  task.due(0);
  await until(() => task.last?.result === 'ok');
});

test('a task that replaces a busy one waits for its end', async (t) => {
  const { make } = scene(t);
  const end = Promise.withResolvers<void>();
  const old = make(async () => end.promise);
  const run = old.runNow();
  old.stop();
  const next = make(async (out) => out.add(value, 2, 'x'), 'a', old);
  next.due(0);
  assert.equal(next.record.skipped.get('overlap'), 1);
  end.resolve();
  await run;
  await next.runNow();
  assert.equal(next.last?.result, 'ok');
});
