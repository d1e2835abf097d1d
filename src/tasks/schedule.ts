import { phaseOf } from '../base/fnv.ts';
import { Heap } from './heap.ts';

/** A periodic item. */
export interface Scheduled {
  /** Milliseconds; more than 0. */
  readonly intervalMs: number;
  /** Within the interval, on the wall clock. */
  readonly offsetMs: number;
  /** Time of the first run, milliseconds from now; at the next point of its grid when unset. */
  readonly firstInMs?: number | undefined;
  /** Called when it is due. `lateMs` is how much later than planned that is. Does not throw. */
  due(lateMs: number): void;
  /** Called with the number of missed times, for example after a suspend; they are not made up for. */
  missed(count: number): void;
}

/** Clocks of the schedule, milliseconds. */
interface ScheduleClocks {
  /** Since 1970. */
  readonly now: () => number;
  /** On a clock that is never adjusted. */
  readonly monotonicMs: () => number;
}

/** The offset that spreads tasks over nodes and ids: always the same for a task on a node, at most a minute. */
export const offsetOf = (cluster: string, node: string, id: string, intervalMs: number): number =>
  phaseOf(`${cluster}/${node}/${id}`, Math.max(1, Math.min(intervalMs, LONGEST_OFFSET_MS)));

const LONGEST_OFFSET_MS = 60_000;
/** Maximum delay of the first run of a task, whatever its interval. */
const LONGEST_FIRST_MS = 30_000;

/**
 * When a task with this offset runs first, milliseconds from now: on its grid if that is soon, otherwise spread over 30
 * s.
 */
export const firstInMs = (intervalMs: number, offsetMs: number): number | undefined =>
  intervalMs > LONGEST_FIRST_MS ? offsetMs % LONGEST_FIRST_MS : undefined;

/** Deviation of the wall clock above which the grid of a task is moved. */
const TOLERANCE_MS = 50;
/** Maximum delay of a timer, so that the plan is checked again after a change of the clock. */
const LONGEST_WAIT_MS = 30_000;

interface Entry {
  readonly task: Scheduled;
  /** On the monotonic clock. */
  dueMs: number;
  isRemoved: boolean;
}

/**
 * Calls tasks at the points of their grids, `k * interval + offset` of the wall clock, with one timer and a heap. Waits
 * are measured with the monotonic clock, so that a change of the wall clock moves the grid of a task by at most half an
 * interval at a time and never delays it indefinitely.
 */
export class TaskSchedule {
  readonly #clocks: ScheduleClocks;
  readonly #heap = new Heap<Entry>((a, b) => a.dueMs - b.dueMs);
  readonly #entries = new Map<Scheduled, Entry>();
  #timer: NodeJS.Timeout | undefined;
  #timerMs = Number.POSITIVE_INFINITY;

  constructor(clocks: ScheduleClocks) {
    this.#clocks = clocks;
  }

  add(task: Scheduled): void {
    const { now, monotonicMs } = this.#clocks;
    const first = task.firstInMs ?? nextGridMs(now(), task) - now();
    const entry = { task, dueMs: monotonicMs() + first, isRemoved: false };
    this.#entries.set(task, entry);
    this.#heap.push(entry);
    this.#arm();
  }

  remove(task: Scheduled): void {
    const entry = this.#entries.get(task);
    if (entry === undefined) return;
    entry.isRemoved = true;
    this.#entries.delete(task);
    // Removed items stay in the heap until they are due, unless they would become the majority.
    if (this.#heap.size > 2 * this.#entries.size + 64) this.#heap.keep(({ isRemoved }) => !isRemoved);
    if (this.#entries.size === 0) this.stop();
  }

  /** When a task runs next, milliseconds since 1970; undefined when it is not scheduled. */
  nextMs(task: Scheduled): number | undefined {
    const entry = this.#entries.get(task);
    return entry && this.#clocks.now() + entry.dueMs - this.#clocks.monotonicMs();
  }

  /** Ends the timer; adding a task starts it again. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timerMs = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    const next = this.#heap.first;
    if (next === undefined || next.dueMs >= this.#timerMs) return;
    clearTimeout(this.#timer);
    this.#timerMs = next.dueMs;
    const wait = Math.min(Math.max(0, next.dueMs - this.#clocks.monotonicMs()), LONGEST_WAIT_MS);
    this.#timer = setTimeout(() => this.#tick(), Math.ceil(wait));
    this.#timer.unref();
  }

  #tick(): void {
    this.#timerMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clocks.monotonicMs();
    for (let next = this.#heap.first; next !== undefined && next.dueMs <= nowMs; next = this.#heap.first) {
      this.#heap.pop();
      if (next.isRemoved) continue;
      const plannedMs = next.dueMs;
      this.#plan(next, nowMs);
      this.#heap.push(next);
      next.task.due(nowMs - plannedMs);
    }
    this.#arm();
  }

  /** The next time of a task that is due: an interval later, moved towards the grid if the clock was set. */
  #plan(entry: Entry, nowMs: number): void {
    const { task } = entry;
    const missed = Math.floor((nowMs - entry.dueMs) / task.intervalMs);
    if (missed > 0) task.missed(missed);
    entry.dueMs += (missed + 1) * task.intervalMs;
    const wallMs = this.#clocks.now() + (entry.dueMs - nowMs);
    const off = mod(wallMs - task.offsetMs + task.intervalMs / 2, task.intervalMs) - task.intervalMs / 2;
    if (Math.abs(off) > TOLERANCE_MS) entry.dueMs -= off;
    if (entry.dueMs <= nowMs) entry.dueMs += task.intervalMs;
  }
}

const mod = (value: number, by: number): number => ((value % by) + by) % by;

/** The next point of a task's grid after `nowMs`. */
const nextGridMs = (nowMs: number, { intervalMs, offsetMs }: Scheduled): number =>
  (Math.floor((nowMs - offsetMs) / intervalMs) + 1) * intervalMs + offsetMs;
