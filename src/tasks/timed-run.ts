import { NoData } from '../metrics/outcome.ts';
import type { Snapshot } from '../metrics/snapshot.ts';
import { type TaskCall, TaskFailure, type TaskRun } from './task-type.ts';

/** How a run ended. */
interface RunEnd {
  /** `ok`, `timeout`, `stuck`, `panic`, `failed`, or a result specific to the type. */
  readonly result: string;
  /** Why it is not `ok`. */
  readonly error?: string;
  /** Whether its samples are valid; otherwise the task has no data until its next run. */
  readonly hasData: boolean;
  /** The error thrown by a bug. */
  readonly panic?: { readonly cause: unknown };
  /** For a stuck run: settles when it returns. */
  readonly stuck?: Promise<unknown>;
}

/** The limits of one run. */
interface RunLimits {
  /** After this many milliseconds its signal fires. */
  readonly timeoutMs: number;
  /** After this many milliseconds it counts as stuck. */
  readonly deadlineMs: number;
  /** Fires when the task is removed. */
  readonly stop: AbortSignal;
}

/** A run in progress. */
interface TimedRun {
  readonly end: Promise<RunEnd>;
  /** Resolves when the deadline passes while the run is still in progress. */
  readonly overdue: Promise<unknown>;
}

const OVERDUE = Symbol('overdue');

/** Starts a run, which collects into `out`. Never throws; `end` never rejects. */
export function startRun(run: TaskRun, out: Snapshot, limits: RunLimits, call: TaskCall | undefined): TimedRun {
  const { timeoutMs, deadlineMs, stop } = limits;
  const soft = new AbortController();
  const overdue = Promise.withResolvers<typeof OVERDUE>();
  const softTimer = setTimeout(() => soft.abort(new DOMException('timeout', 'TimeoutError')), timeoutMs);
  const hardTimer = setTimeout(() => overdue.resolve(OVERDUE), deadlineMs);
  const signal = AbortSignal.any([soft.signal, stop]);
  // A run that throws synchronously must not throw into the schedule.
  const running = (async () => run(out, signal, call))().then(
    () => undefined,
    (cause: unknown) => ({ cause }),
  );
  const end = Promise.race([running, overdue.promise]).then((ended): RunEnd => {
    clearTimeout(softTimer);
    clearTimeout(hardTimer);
    if (ended === undefined) return { result: 'ok', hasData: true };
    if (ended !== OVERDUE) return endOf(ended.cause, soft.signal.aborted ? timeoutMs : undefined);
    soft.abort(new DOMException('deadline', 'TimeoutError'));
    const error = `has not ended within ${deadlineMs} ms; it is not started again until it has`;
    return { result: 'stuck', error, hasData: false, stuck: running };
  });
  return { end, overdue: overdue.promise };
}

/** The result for an error that ended a run; `timeoutMs` if the timeout had passed. */
function endOf(cause: unknown, timeoutMs: number | undefined): RunEnd {
  if (cause instanceof TaskFailure) return { result: cause.result, error: cause.message, hasData: true };
  if (cause instanceof NoData) return { result: 'ok', hasData: true };
  const message =
    cause instanceof Error
      ? cause.message
      : `threw ${typeof cause === 'string' ? JSON.stringify(cause) : String(cause)}`;
  if (timeoutMs !== undefined) {
    return { result: 'timeout', error: `not finished within ${timeoutMs} ms: ${message}`, hasData: false };
  }
  const isPanic = !(cause instanceof Error) || cause instanceof TypeError || cause instanceof ReferenceError;
  return isPanic
    ? { result: 'panic', error: message, hasData: false, panic: { cause } }
    : { result: 'failed', error: message, hasData: false };
}
