import { errorText } from '../base/error-text.ts';
import type { Log } from '../base/log.ts';
import { NoData } from '../metrics/outcome.ts';
import type { Producer } from '../metrics/scope.ts';
import { Snapshot } from '../metrics/snapshot.ts';
import { Labelled } from './labelled.ts';
import type { LastRun, RunRequest } from './last-run.ts';
import { increment, type RunSkipReason, type TaskRecord } from './records.ts';
import type { RunnableTask, Runner } from './runner.ts';
import type { Scheduled } from './schedule.ts';
import type { TaskSettings } from './settings.ts';
import { StuckBackoff } from './stuck-backoff.ts';
import type { TaskCall, TaskRun } from './task-type.ts';
import { startRun } from './timed-run.ts';

/** Current state of a task. `stuck`: a run is past its deadline and has not ended; the task is not started again. */
type TaskState = 'waiting' | 'running' | 'stuck' | 'disabled';

/** What a task needs in addition to its settings. */
interface TaskSetup {
  readonly runner: Runner;
  readonly run: TaskRun;
  /** Labels on all its series. */
  readonly labels: Readonly<Record<string, string>>;
  readonly offsetMs: number;
  readonly firstInMs: number | undefined;
  readonly log: Log;
  /** The task of the same id that it replaces. */
  readonly replaced: Task | undefined;
}

/** A task whose last run took longer than this shares its slots with other slow ones. */
export const SLOW_MS = 1000;
/** One task: its runs, one at a time, and the result of the last one, which each push repeats until the next one. */
export class Task implements Scheduled, RunnableTask {
  readonly settings: TaskSettings;
  readonly intervalMs: number;
  readonly offsetMs: number;
  readonly firstInMs: number | undefined;
  readonly producer: Producer;
  readonly #setup: TaskSetup;
  readonly #record: TaskRecord;
  readonly #labelled: Labelled;
  readonly #stop = new AbortController();
  /** Settles when the current run does, however late. */
  #running: Promise<unknown> | undefined;
  #isStuck: boolean = false;
  readonly #backoff = new StuckBackoff();
  #wasSlow: boolean = false;
  #snapshot: Snapshot | undefined;
  /** Whether it has been part of a cycle. */
  #isRepeated: boolean = false;
  #failure: string | undefined;
  #last: LastRun | undefined;

  constructor(settings: TaskSettings, setup: TaskSetup) {
    const { id, interval } = settings.common;
    this.settings = settings;
    this.#setup = setup;
    this.intervalMs = interval;
    this.offsetMs = setup.offsetMs;
    this.firstInMs = setup.firstInMs;
    this.#record = setup.runner.records.of(id, settings.type.name);
    this.#labelled = new Labelled(setup.labels);
    this.producer = {
      group: settings.type.group,
      name: producerName(settings),
      shares: true,
      whenEmpty: 'the last run returned no series',
      failure: () => (this.#snapshot === undefined ? undefined : this.#failure),
      collect: (out) => this.#handOver(out),
    };
  }

  get id(): string {
    return this.settings.common.id;
  }

  get record(): TaskRecord {
    return this.#record;
  }

  get state(): TaskState {
    if (this.#isStuck) return 'stuck';
    if (this.#running) return 'running';
    return this.disabled === undefined ? 'waiting' : 'disabled';
  }

  /** Why it is not running. */
  get disabled(): string | undefined {
    if (!this.settings.common.enabled) return 'disabled by its settings';
    return this.#setup.runner.gate(this.producer.group, this.producer.name);
  }

  get last(): LastRun | undefined {
    return this.#last;
  }

  get series(): number {
    return this.#snapshot?.size ?? 0;
  }

  get nextMs(): number | undefined {
    return this.#setup.runner.schedule.nextMs(this);
  }

  /** Resolves when no run is in progress, or when the deadline of the current one has passed. */
  async ended(): Promise<void> {
    await Promise.race([this.#running, this.#isStuck ? undefined : this.#over]);
  }
  #over: Promise<unknown> | undefined;

  start(): void {
    if (this.intervalMs > 0 && this.settings.common.enabled) this.#setup.runner.schedule.add(this);
  }

  /** Ends it: no further run, and the signal of the current one fires. */
  stop(): void {
    this.#setup.runner.schedule.remove(this);
    this.#stop.abort(new Error('the task was removed'));
    this.#setup.runner.left(this);
  }

  due(lateMs: number): void {
    if (this.#backoff.isWaiting()) {
      this.#skip('overlap');
      return;
    }
    const { runner } = this.#setup;
    const reason = this.#mayNotRun();
    if (reason === undefined) void this.#run({ plannedMs: runner.clocks.monotonicMs() - lateMs });
    else this.#skip(reason);
  }

  missed(times: number): void {
    increment(this.#record.skipped, 'late', times);
  }

  /** Runs it on demand, even if disabled. `busy` while a run is in progress. */
  async runNow({ params, timeoutMs }: RunRequest = { params: {} }): Promise<LastRun | 'busy'> {
    if (this.#running || this.#isPredecessorBusy) return 'busy';
    let output: string | undefined;
    const report = (text: string) => {
      output = text;
    };
    await this.#run({ call: { params, report }, timeoutMs });
    if (this.#last === undefined) return 'busy';
    return output === undefined ? this.#last : { ...this.#last, output };
  }

  /** Why it can't be run with these parameters. */
  checkCall(params: RunRequest['params']): string | undefined {
    const { type, options } = this.settings;
    if (type.checkCall) return type.checkCall(options, params);
    return Object.keys(params).length === 0 ? undefined : `tasks of type ${type.name} take no parameters`;
  }

  get #isPredecessorBusy(): boolean {
    return this.#setup.replaced?.isBusy ?? false;
  }

  get isBusy(): boolean {
    return this.#running !== undefined;
  }

  #mayNotRun(): RunSkipReason | undefined {
    if (this.#running || this.#isPredecessorBusy) return 'overlap';
    if (this.disabled !== undefined) return 'disabled';
    return this.#setup.runner.isStandby() ? 'standby' : undefined;
  }

  #skip(reason: RunSkipReason): void {
    increment(this.#record.skipped, reason);
    // Results from before this agent became a standby are outdated.
    if (reason === 'standby') this.#snapshot = undefined;
  }

  /** Never rejects. */
  #run(start: RunContext): Promise<void> {
    const done = this.#inSlot(start);
    this.#running = done;
    const free = () => {
      this.#running = undefined;
    };
    return done.then(
      ({ stuck }) => {
        if (stuck === undefined) return free();
        this.#isStuck = true;
        this.#running = stuck.then(() => {
          this.#isStuck = false;
          free();
        });
      },
      (cause: unknown) => {
        // What the task collected could not be taken over: it is free for its next run.
        this.#failure = errorText(cause);
        this.#snapshot = undefined;
        increment(this.#record.runs, 'panic');
        this.#setup.runner.panicked(this, cause);
        free();
      },
    );
  }

  async #inSlot(start: RunContext): Promise<{ readonly stuck?: Promise<unknown> }> {
    const { runner } = this.#setup;
    const { timeout } = this.settings.common;
    const free = await runner.slot(this.settings.type, timeout, this.#wasSlow);
    if (free === undefined || this.#stop.signal.aborted) {
      free?.();
      this.#skip('concurrency');
      return {};
    }
    const begunMs = runner.clocks.monotonicMs();
    if (start.plannedMs !== undefined) runner.late(this, begunMs - start.plannedMs);
    try {
      return await this.#timed(start);
    } finally {
      free();
      this.#wasSlow = runner.clocks.monotonicMs() - begunMs > SLOW_MS;
    }
  }

  async #timed({ call, timeoutMs }: RunContext): Promise<{ readonly stuck?: Promise<unknown> }> {
    const { runner, run } = this.#setup;
    const { now, monotonicMs } = runner.clocks;
    const { common } = this.settings;
    const timeout = timeoutMs ?? common.timeout;
    const limits = {
      timeoutMs: timeout,
      deadlineMs: common.deadline + timeout - common.timeout,
      stop: this.#stop.signal,
    };
    const startedMs = now();
    const begunMs = monotonicMs();
    const out = new Snapshot(this.#snapshot);
    const timed = startRun(run, out, limits, call);
    this.#over = timed.overdue;
    const { result, error, hasData, panic, stuck } = await timed.end;
    const durationSeconds = Math.round((monotonicMs() - begunMs) * 1000) / 1e6;
    if (hasData) out.close();
    const last = {
      startedMs,
      durationSeconds,
      result,
      series: hasData ? out.size : 0,
      ...(error !== undefined && { error }),
    };
    this.#settle(last, hasData ? out : undefined);
    if (panic) runner.panicked(this, panic.cause);
    if (stuck === undefined) {
      this.#backoff.reset();
      return {};
    }
    this.#backoff.stuck();
    return { stuck };
  }

  #settle(last: LastRun, snapshot: Snapshot | undefined): void {
    if (this.#stop.signal.aborted) return;
    const record = this.#record;
    increment(record.runs, last.result);
    record.lastRunMs = this.#setup.runner.clocks.now();
    record.durationSeconds = last.durationSeconds;
    if (last.result === 'ok') record.lastSuccessMs = record.lastRunMs;
    this.#last = last;
    this.#failure = last.error;
    this.#snapshot = snapshot && this.#labelled.of(snapshot);
    this.#isRepeated = false;
    this.#setup.runner.ran(this, last.durationSeconds);
  }

  #handOver(out: Snapshot): void {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) {
      if (this.#failure !== undefined) throw new Error(this.#failure);
      throw new NoData(this.disabled === undefined ? 'it has not run yet' : this.disabled);
    }
    snapshot.copyTo(out, { isRepeated: this.#isRepeated });
    this.#isRepeated = true;
  }
}

/** Context of a run. */
interface RunContext {
  /** When it was due, on the monotonic clock; undefined for a run on demand. */
  readonly plannedMs?: number;
  readonly call?: TaskCall;
  readonly timeoutMs?: number | undefined;
}

/** The name of a task among the collectors of its group; tasks of the group node are next to collectors. */
const producerName = ({ type, common }: TaskSettings): string =>
  type.group === 'node' ? `task.${common.id}` : common.id;
