import { Counter, Histogram } from 'prom-client';
import { type Log, ThrottledLog } from '../base/log.ts';
import { Semaphore } from '../base/semaphore.ts';
import type { TaskView } from '../http/status-view.ts';
import { Scope } from '../metrics/scope.ts';
import { TaskRecords } from './records.ts';
import type { RunnableTask, Runner } from './runner.ts';
import { TaskSchedule } from './schedule.ts';
import type { TaskSource } from './settings.ts';
import { SLOW_MS, type Task } from './task.ts';
import { addTaskSamples } from './task-samples.ts';
import type { TaskType } from './task-type.ts';
import { taskView } from './task-view.ts';

/** The environment of the task runner. */
export interface TaskRunnerWorld {
  readonly clocks: { readonly now: () => number; readonly monotonicMs: () => number };
  readonly log: Log;
  /** Why a producer is temporarily disabled; undefined when it is not. */
  readonly gate: (group: string, name: string) => string | undefined;
  /** Whether another agent runs the tasks. */
  readonly isStandby: () => boolean;
  /** Called after each run. */
  readonly onChange: () => void;
}

/** Interval at which a stack is logged at most once per task. */
const PANIC_EVERY_MS = 3_600_000;
/** Ratio of slots for slow tasks to the others. */
const SLOW_SHARE = 4;
const BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30];
const DELAY_BUCKETS = [0.001, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

/** What all tasks run with: their schedule, slots for runs, counters. */
export class TaskRunner implements Runner {
  readonly schedule: TaskSchedule;
  readonly records: TaskRecords;
  /** The metrics about tasks. */
  readonly scope = new Scope();
  readonly clocks: TaskRunnerWorld['clocks'];
  readonly #world: TaskRunnerWorld;
  readonly #throttled: ThrottledLog;
  readonly #slots: Semaphore;
  /** For tasks whose last run was slow: more slots, because they mostly wait. */
  readonly #slow: Semaphore;
  readonly #byType = new Map<string, Semaphore>();
  /** Tasks that were removed while a run was in progress. */
  readonly #leaving = new Set<RunnableTask>();
  readonly #durations: Histogram<'type'>;
  readonly #delays: Histogram<'type'>;
  readonly #changes: Counter<'action' | 'source'>;
  /** The active tasks. */
  tasks: readonly Task[] = [];

  constructor(concurrency: number, world: TaskRunnerWorld) {
    this.#world = world;
    this.clocks = world.clocks;
    this.schedule = new TaskSchedule(world.clocks);
    this.records = new TaskRecords(world.clocks.now);
    this.#slots = new Semaphore(concurrency);
    this.#slow = new Semaphore(concurrency * SLOW_SHARE);
    this.#throttled = new ThrottledLog(world.log, world.clocks.now, PANIC_EVERY_MS);
    const registers = [this.scope];
    this.#durations = new Histogram({
      name: 'firesteel_task_run_seconds',
      help: 'Duration of task runs, by type.',
      labelNames: ['type'] as const,
      buckets: BUCKETS,
      registers,
    });
    this.#delays = new Histogram({
      name: 'firesteel_task_start_delay_seconds',
      help: 'Delay between planned and actual start of task runs, by type.',
      labelNames: ['type'] as const,
      buckets: DELAY_BUCKETS,
      registers,
    });
    this.#changes = new Counter({
      name: 'firesteel_task_changes_total',
      help: 'Tasks that were added, removed, changed or refused, by source.',
      labelNames: ['action', 'source'] as const,
      registers,
    });
    this.scope.addProducer({
      group: 'agent',
      name: 'tasks',
      whenEmpty: 'there are no tasks',
      collect: (out) => addTaskSamples(out, this.tasks, this.records.all()),
    });
  }

  /** Views of the active tasks, by id. */
  views(): TaskView[] {
    return this.tasks.map(taskView).sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  isStandby(): boolean {
    return this.#world.isStandby();
  }

  gate(group: string, name: string): string | undefined {
    return this.#world.gate(group, name);
  }

  async slot(type: TaskType, timeoutMs: number, isSlow: boolean): Promise<(() => void) | undefined> {
    const own = this.#slotsOf(type);
    const startedMs = this.clocks.monotonicMs();
    if (own && !(await own.take(timeoutMs))) return undefined;
    const all = isSlow ? this.#slow : this.#slots;
    if (!(await all.take(Math.max(0, timeoutMs - (this.clocks.monotonicMs() - startedMs))))) {
      own?.release();
      return undefined;
    }
    const giveOnce = once(() => all.release());
    // Runs that only wait, for example for an unresponsive name server, must not block all others.
    const timer = isSlow ? undefined : setTimeout(giveOnce, SLOW_MS);
    timer?.unref();
    return () => {
      clearTimeout(timer);
      giveOnce();
      own?.release();
    };
  }

  late({ settings }: RunnableTask, lateMs: number): void {
    this.#delays.observe({ type: settings.type.name }, lateMs / 1000);
  }

  ran(task: RunnableTask, durationSeconds: number): void {
    this.#durations.observe({ type: task.settings.type.name }, durationSeconds);
    this.#world.onChange();
  }

  panicked(task: RunnableTask, cause: unknown): void {
    this.#throttled.write('error', `task ${task.id}`, { task: task.id, err: cause }, 'a task run failed unexpectedly');
  }

  changed(action: 'added' | 'removed' | 'changed' | 'refused', source: TaskSource): void {
    this.#changes.inc({ action, source });
  }

  /** A task was removed. */
  left(task: RunnableTask): void {
    if (!task.isBusy) return;
    this.#leaving.add(task);
    void task.ended().then(() => this.#leaving.delete(task));
  }

  /** Resolves when the runs of removed tasks have ended, or their deadlines have passed. */
  async ended(ids?: ReadonlySet<string>): Promise<void> {
    const waited = [...this.#leaving].filter(({ id }) => ids?.has(id) ?? true);
    await Promise.all(waited.map((task) => task.ended()));
  }

  /** Takes over a new set of tasks; counts what changed. */
  takeOver(tasks: readonly Task[]): void {
    const before = new Map(this.tasks.map((task) => [task.id, task]));
    const after = new Set(tasks.map(({ id }) => id));
    for (const task of tasks) {
      const old = before.get(task.id);
      if (old === undefined) this.changed('added', task.settings.source);
      else if (old !== task) this.changed('changed', task.settings.source);
    }
    for (const task of this.tasks) {
      if (after.has(task.id)) continue;
      this.records.removed(task.record);
      this.changed('removed', task.settings.source);
    }
    this.tasks = tasks;
  }

  #slotsOf({ name, atOnce }: TaskType): Semaphore | undefined {
    if (atOnce === undefined) return undefined;
    const known = this.#byType.get(name) ?? new Semaphore(atOnce);
    this.#byType.set(name, known);
    return known;
  }
}

/** Calls `act` on the first call only. */
function once(act: () => void): () => void {
  let isDone: boolean = false;
  return () => {
    if (isDone) return;
    isDone = true;
    act();
  };
}
