import type * as z from 'zod';
import type { Log } from '../base/log.ts';
import type { Host } from '../host/host.ts';
import type { Family } from '../metrics/family.ts';
import type { Snapshot } from '../metrics/snapshot.ts';
import type { DeniedAddresses } from '../net/denied.ts';
import type { Names } from '../net/names.ts';

/** The groups of series that tasks bring. */
export type TaskGroup = 'probe' | 'scrape' | 'exec' | 'node';

/** What a task may use of the world. */
export interface TaskWorld {
  readonly id: string;
  /** The label `job` of its series, for groups whose lines carry their identity: the task's own, else the group's. */
  readonly job: string;
  /** After so long the signal of a run fires, milliseconds. */
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
 * One run: adds its samples to `out`. Throws when it failed as a whole: the frame counts that, shows the message and
 * drops the samples. A target that does not answer is a result of a probe (`probe_success 0`), not a failed run.
 * Gives up when `signal` fires.
 */
export type TaskRun = (out: Snapshot, signal: AbortSignal, call?: TaskCall) => Promise<void>;

/** A run on demand. */
export interface TaskCall {
  readonly params: Readonly<Record<string, string>>;
  /** Takes the end of what the run printed, for whoever asked. */
  readonly report: (output: string) => void;
}

/** Thrown by a run that failed, but whose samples are to be kept. `result` is the label of firesteel_task_runs_total. */
export class TaskFailure extends Error {
  override readonly name = 'TaskFailure';
  readonly result: string;

  constructor(result: string, message: string) {
    super(message);
    this.result = result;
  }
}

/** A kind of task as data; configuration schema and docs are made from these records. */
export interface TaskType<Options extends z.ZodObject = z.ZodObject> {
  /** The word that names it in configuration, docs and self metrics. */
  readonly name: string;
  /** What it does, for the docs. */
  readonly summary: string;
  /** Where its series go. Those of `probe` and `scrape` carry labels `job` and `instance` of their own. */
  readonly group: TaskGroup;
  /** Its options beside those that all tasks have, a strict object. */
  readonly options: Options;
  /** What it may emit. Families whose names are only known at run time are described in `summary`. */
  readonly families: readonly Family[];
  /** How many runs of this type may be under way at a time; unset: as many as there are slots for all tasks. */
  readonly atOnce?: number;
  /** Whether an interval of 0 is allowed: such a task runs when it is asked to. */
  readonly onDemand?: boolean;
  /** How long a run may take to end behind its timeout, milliseconds; 1 s when unset. */
  readonly graceMs?: number;
  /** Whether it is taken from the configuration file only, unless `taskRunner.allowFromApi` names it. */
  readonly risky?: boolean;
  /**
   * Binds one task; what it remembers between runs lives in this closure. Opens nothing: it is also called for tasks
   * that are only checked. Throws an Error when the options can't work on this host.
   */
  create(world: TaskWorld, options: z.output<Options>): TaskRun;
  /** What would keep a task from working as the host is now; for check-config. */
  check?(options: z.output<Options>): readonly string[];
  /** Why a run with these parameters is refused. */
  checkCall?(options: z.output<Options>, params: Readonly<Record<string, string>>): string | undefined;
}

/** Keeps the types of `options` and `create` together. */
export const defineTaskType = <Options extends z.ZodObject>(type: TaskType<Options>): TaskType<Options> => type;
