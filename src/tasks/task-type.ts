import type * as z from 'zod';
import type { Log } from '../base/log.ts';
import type { Host } from '../host/host.ts';
import type { Family } from '../metrics/family.ts';
import type { Snapshot } from '../metrics/snapshot.ts';
import type { DeniedAddresses } from '../net/denied.ts';
import type { Names } from '../net/names.ts';

/** The groups of series that tasks emit. */
export type TaskGroup = 'probe' | 'exec' | 'node';

/** The environment of a task. */
export interface TaskWorld {
  readonly id: string;
  /**
   * The label `job` of its series, for groups whose lines carry their identity: the task's own, otherwise the group's.
   */
  readonly job: string;
  /** Timeout after which the signal of a run fires, milliseconds. */
  readonly timeoutMs: number;
  /** Between the starts of two runs, milliseconds. */
  readonly intervalMs: number;
  /** Between two pushes, milliseconds: a task with a shorter interval has more results than are pushed. */
  readonly pushIntervalMs: number;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
  /** Lines carry the id of the task; equal ones are throttled. */
  readonly log: Log;
  readonly host: Host;
  /** The name of this node. */
  readonly node: string;
  /** Resolves names without getaddrinfo; shared by all tasks. */
  readonly names: Names;
  /** Address ranges that this task must not connect to: check each address after it is resolved. */
  readonly denied: DeniedAddresses;
}

/**
 * One run: adds its samples to `out`. Throws if it failed completely: the runner counts that, shows the message and
 * drops the samples. A target that does not respond is a result of a probe (`probe_success 0`), not a failed run. Stops
 * when `signal` fires.
 */
export type TaskRun = (out: Snapshot, signal: AbortSignal, call?: TaskCall) => Promise<void>;

/** A run on demand. */
export interface TaskCall {
  readonly params: Readonly<Record<string, string>>;
  /** Receives the end of the output of the run, for the requester. */
  readonly report: (output: string) => void;
}

/** Thrown by a run that failed, but whose samples are kept. `result` is the label of firesteel_task_runs_total. */
export class TaskFailure extends Error {
  override readonly name = 'TaskFailure';
  readonly result: string;

  constructor(result: string, message: string) {
    super(message);
    this.result = result;
  }
}

/** A kind of task as data; the configuration schema and docs are generated from these records. */
export interface TaskType<Options extends z.ZodObject = z.ZodObject> {
  /** Its name in configuration, docs and self metrics. */
  readonly name: string;
  /** Description for the docs. */
  readonly summary: string;
  /** The group of its series. Those of `probe` and `scrape` carry their own labels `job` and `instance`. */
  readonly group: TaskGroup;
  /** Its options in addition to the common ones, a strict object. */
  readonly options: Options;
  /** What it may emit. Families whose names are only known at run time are described in `summary`. */
  readonly families: readonly Family[];
  /** Maximum concurrent runs of this type; when unset, as many as there are slots for all tasks. */
  readonly atOnce?: number;
  /** Whether an interval of 0 is allowed: such a task runs on demand. */
  readonly onDemand?: boolean;
  /** How long a run may take to end after its timeout, milliseconds; 1 s when unset. */
  readonly graceMs?: number;
  /** Whether it is refused from the API unless `taskRunner.allowFromApi` names it, and from URLs without `sha256`. */
  readonly risky?: boolean;
  /**
   * Creates one task; state between runs is in this closure. Opens nothing: it is also called to only check tasks.
   * Throws an Error when the options can't work on this host.
   */
  create(world: TaskWorld, options: z.output<Options>): TaskRun;
  /** What currently prevents a task from working on this host; for check-config. */
  check?(options: z.output<Options>): readonly string[];
  /** Why a run with these parameters is refused. */
  checkCall?(options: z.output<Options>, params: Readonly<Record<string, string>>): string | undefined;
}

/** Keeps the types of `options` and `create` together. */
export const defineTaskType = <Options extends z.ZodObject>(type: TaskType<Options>): TaskType<Options> => type;
