import type { Log } from '../base/log.ts';
import { NoData } from '../metrics/outcome.ts';
import type { Producer } from '../metrics/scope.ts';
import { Snapshot } from '../metrics/snapshot.ts';
import { Labelled } from './labelled.ts';
import { count, type SkipReason, type TaskRecord } from './records.ts';
import type { Scheduled } from './schedule.ts';
import type { TaskSettings } from './settings.ts';
import type { FramedTask, TaskFrame } from './task-frame.ts';
import { type TaskCall, TaskFailure, type TaskRun } from './task-type.ts';

/** What a task does now. `stuck`: a run is past its deadline and has not ended; the task is not started again. */
export type TaskState = 'waiting' | 'running' | 'stuck' | 'disabled';

/** How the last run went. */
export interface LastRun {
  /** When it began, milliseconds since 1970. */
  readonly startedMs: number;
  readonly result: string;
  readonly durationSeconds: number;
  readonly series: number;
  /** Why it failed. */
  readonly error?: string;
  /** The end of what it printed, of runs that were asked for. */
  readonly output?: string;
}

/** A run that is asked for. */
export interface RunRequest {
  readonly params: Readonly<Record<string, string>>;
  /** Instead of the task's own, milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** What a task is made from, beside its settings. */
export interface TaskParts {
  readonly frame: TaskFrame;
  readonly run: TaskRun;
  /** Labels on all its series. */
  readonly labels: Readonly<Record<string, string>>;
  readonly offsetMs: number;
  readonly firstInMs: number | undefined;
  readonly log: Log;
  /** The task of the same id that it takes the place of. */
  readonly replaced: Task | undefined;
}

/** A task whose last run took longer waits for its next one among others like it. */
export const SLOW_MS = 1000;
/** Runs that were stuck in a row before the task backs off, and the most intervals that it then waits. */
const STUCK_BEFORE_BACKOFF = 3;
const MOST_INTERVALS = 10;

/** One task: its runs, one at a time, and what the last one brought, which each push repeats until the next one. */
export class Task implements Scheduled, FramedTask {
  readonly settings: TaskSettings;
  readonly intervalMs: number;
  readonly offsetMs: number;
  readonly firstInMs: number | undefined;
  readonly producer: Producer;
  readonly #parts: TaskParts;
  readonly #record: TaskRecord;
  readonly #labelled: Labelled;
  readonly #stop = new AbortController();
  /** Ends when the run under way does, however late. */
  #running: Promise<unknown> | undefined;
  #isStuck: boolean = false;
  #stuckInARow = 0;
  #wasSlow: boolean = false;
  #waitIntervals = 0;
  #snapshot: Snapshot | undefined;
  /** Whether it was not handed over yet. */
  #isFresh: boolean = false;
  #failure: string | undefined;
  #last: LastRun | undefined;

  constructor(settings: TaskSettings, parts: TaskParts) {
    const { id, interval } = settings.common;
    this.settings = settings;
    this.#parts = parts;
    this.intervalMs = interval;
    this.offsetMs = parts.offsetMs;
    this.firstInMs = parts.firstInMs;
    this.#record = parts.frame.records.of(id, settings.type.name);
    this.#labelled = new Labelled(parts.labels);
    this.producer = {
      group: settings.type.group,
      name: producerName(settings),
      shares: true,
      whenEmpty: 'the last run brought no series',
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

  /** Why it does not run at present. */
  get disabled(): string | undefined {
    if (!this.settings.common.enabled) return 'switched off by its settings';
    return this.#parts.frame.gate(this.producer.group, this.producer.name);
  }

  get last(): LastRun | undefined {
    return this.#last;
  }

  get series(): number {
    return this.#snapshot?.size ?? 0;
  }

  get nextMs(): number | undefined {
    return this.#parts.frame.schedule.nextMs(this);
  }

  /** Resolves when no run is under way any more, or the deadline of the one that is has passed. */
  async ended(): Promise<void> {
    await Promise.race([this.#running, this.#isStuck ? undefined : this.#over]);
  }
  #over: Promise<unknown> | undefined;

  start(): void {
    if (this.intervalMs > 0 && this.settings.common.enabled) this.#parts.frame.schedule.add(this);
  }

  /** Ends it: no further run, and the signal of the one under way fires. */
  stop(): void {
    this.#parts.frame.schedule.remove(this);
    this.#stop.abort(new Error('the task was removed'));
    this.#parts.frame.left(this);
  }

  due(lateMs: number): void {
    if (this.#waitIntervals > 0) {
      this.#waitIntervals--;
      this.#skip('overlap');
      return;
    }
    const { frame } = this.#parts;
    const reason = this.#mayNotRun();
    if (reason === undefined) void this.#run({ plannedMs: frame.clocks.monotonic() - lateMs });
    else this.#skip(reason);
  }

  missed(times: number): void {
    count(this.#record.skipped, 'late', times);
  }

  /** Runs it out of turn, also when it is disabled. `busy` while a run is under way. */
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
    return this.#parts.replaced?.isBusy ?? false;
  }

  get isBusy(): boolean {
    return this.#running !== undefined;
  }

  #mayNotRun(): SkipReason | undefined {
    if (this.#running || this.#isPredecessorBusy) return 'overlap';
    if (this.disabled !== undefined) return 'disabled';
    return this.#parts.frame.isStandby() ? 'standby' : undefined;
  }

  #skip(reason: SkipReason): void {
    count(this.#record.skipped, reason);
    // What a standby saw before it became one is not what there is now.
    if (reason === 'standby') this.#snapshot = undefined;
  }

  /** Never rejects. */
  #run(start: Start): Promise<void> {
    const done = this.#inSlot(start);
    this.#running = done;
    const free = () => {
      this.#running = undefined;
    };
    return done.then(({ stuck }) => {
      if (stuck === undefined) return free();
      this.#isStuck = true;
      this.#running = stuck.then(() => {
        this.#isStuck = false;
        free();
      });
    });
  }

  async #inSlot(start: Start): Promise<{ readonly stuck?: Promise<unknown> }> {
    const { frame } = this.#parts;
    const { timeout } = this.settings.common;
    const free = await frame.slot(this.settings.type, timeout, this.#wasSlow);
    if (free === undefined || this.#stop.signal.aborted) {
      free?.();
      this.#skip('concurrency');
      return {};
    }
    const begunMs = frame.clocks.monotonic();
    if (start.plannedMs !== undefined) frame.late(this, begunMs - start.plannedMs);
    try {
      return await this.#timed(start);
    } finally {
      free();
      this.#wasSlow = frame.clocks.monotonic() - begunMs > SLOW_MS;
    }
  }

  async #timed({ call, timeoutMs }: Start): Promise<{ readonly stuck?: Promise<unknown> }> {
    const { frame, run } = this.#parts;
    const { now, monotonic } = frame.clocks;
    const { common } = this.settings;
    const timeout = timeoutMs ?? common.timeout;
    const deadline = common.deadline + timeout - common.timeout;
    const startedMs = now();
    const begunMs = monotonic();
    const out = new Snapshot(this.#snapshot);
    const soft = new AbortController();
    const hard = Promise.withResolvers<typeof LATE>();
    const softTimer = setTimeout(() => soft.abort(new DOMException('timeout', 'TimeoutError')), timeout);
    const hardTimer = setTimeout(() => hard.resolve(LATE), deadline);
    const signal = AbortSignal.any([soft.signal, this.#stop.signal]);
    // A run that throws at once must not throw into the schedule.
    const running = (async () => run(out, signal, call))().then(
      () => undefined,
      (cause: unknown) => ({ cause }),
    );
    this.#over = hard.promise;
    const ended = await Promise.race([running, hard.promise]);
    clearTimeout(softTimer);
    clearTimeout(hardTimer);
    const durationSeconds = Math.round((monotonic() - begunMs) * 1000) / 1e6;
    if (ended === LATE) {
      soft.abort(new DOMException('deadline', 'TimeoutError'));
      const error = `has not ended within ${deadline} ms; it is not started again before it has`;
      this.#settle({ startedMs, durationSeconds, result: 'stuck', series: 0, error }, undefined);
      this.#backOff();
      return { stuck: running };
    }
    this.#stuckInARow = 0;
    if (ended === undefined) {
      out.close();
      this.#settle({ startedMs, durationSeconds, result: 'ok', series: out.size }, out);
    } else this.#failed(ended.cause, soft.signal.aborted, { startedMs, durationSeconds }, out);
    return {};
  }

  #failed(
    cause: unknown,
    isTimeout: boolean,
    times: Pick<LastRun, 'startedMs' | 'durationSeconds'>,
    out: Snapshot,
  ): void {
    if (cause instanceof TaskFailure) {
      out.close();
      this.#settle({ ...times, result: cause.result, series: out.size, error: cause.message }, out);
      return;
    }
    if (cause instanceof NoData) {
      this.#settle({ ...times, result: 'ok', series: 0 }, new Snapshot());
      return;
    }
    const isPanic = !(cause instanceof Error) || cause instanceof TypeError || cause instanceof ReferenceError;
    const message =
      cause instanceof Error
        ? cause.message
        : `threw ${typeof cause === 'string' ? JSON.stringify(cause) : String(cause)}`;
    const error = isTimeout ? `no end within ${this.settings.common.timeout} ms: ${message}` : message;
    this.#settle(
      { ...times, result: isTimeout ? 'timeout' : isPanic ? 'panic' : 'failed', series: 0, error },
      undefined,
    );
    if (isPanic && !isTimeout) this.#parts.frame.panicked(this, cause);
  }

  #settle(last: LastRun, snapshot: Snapshot | undefined): void {
    if (this.#stop.signal.aborted) return;
    const record = this.#record;
    count(record.runs, last.result);
    record.lastRunMs = this.#parts.frame.clocks.now();
    record.durationSeconds = last.durationSeconds;
    if (last.result === 'ok') record.lastSuccessMs = record.lastRunMs;
    this.#last = last;
    this.#failure = last.error;
    this.#snapshot = snapshot && this.#labelled.of(snapshot);
    this.#isFresh = true;
    this.#parts.frame.ran(this, last.durationSeconds);
  }

  #backOff(): void {
    this.#stuckInARow++;
    const over = this.#stuckInARow - STUCK_BEFORE_BACKOFF;
    if (over >= 0) this.#waitIntervals = Math.min(2 ** (over + 1), MOST_INTERVALS) - 1;
  }

  #handOver(out: Snapshot): void {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) {
      if (this.#failure !== undefined) throw new Error(this.#failure);
      throw new NoData(this.disabled === undefined ? 'it has not run yet' : this.disabled);
    }
    // A result that is repeated is one of now.
    snapshot.copyTo(out, { withStamps: this.#isFresh });
    this.#isFresh = false;
  }
}

/** How a run begins. */
interface Start {
  /** When it was due, on the monotonic clock; undefined for one that was asked for. */
  readonly plannedMs?: number;
  readonly call?: TaskCall;
  readonly timeoutMs?: number | undefined;
}

const LATE = Symbol('late');

/** The name of a task among the collectors of its group; tasks of group node are beside collectors. */
const producerName = ({ type, common }: TaskSettings): string =>
  type.group === 'node' ? `task.${common.id}` : common.id;
