import type { TaskRecord, TaskRecords } from './records.ts';
import type { TaskSchedule } from './schedule.ts';
import type { TaskSettings } from './settings.ts';
import type { TaskType } from './task-type.ts';

/** A task as the runner sees it. */
export interface RunnableTask {
  readonly id: string;
  readonly settings: TaskSettings;
  readonly record: TaskRecord;
  /** Whether a run is in progress. */
  readonly isBusy: boolean;
  /** Resolves when no run is in progress, or when the deadline of the current run has passed. */
  ended(): Promise<void>;
}

/** What a task needs from its runner. */
export interface Runner {
  readonly schedule: TaskSchedule;
  readonly records: TaskRecords;
  readonly clocks: { readonly now: () => number; readonly monotonicMs: () => number };
  /** Whether another agent runs the tasks. */
  isStandby(): boolean;
  /** Why a producer is temporarily disabled; undefined when it is not. */
  gate(group: string, name: string): string | undefined;
  /** A slot for a run, first among those of its type; undefined if none became free in time. */
  slot(type: TaskType, timeoutMs: number, isSlow: boolean): Promise<(() => void) | undefined>;
  /** Records how much later than planned a run started. */
  late(task: RunnableTask, lateMs: number): void;
  /** Records a run that has ended. */
  ran(task: RunnableTask, durationSeconds: number): void;
  /** Logs a run that threw an unexpected error. */
  panicked(task: RunnableTask, cause: unknown): void;
  /** A task was removed; a run may be in progress. */
  left(task: RunnableTask): void;
}
