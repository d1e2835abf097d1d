import type { TaskRecord, TaskRecords } from './records.ts';
import type { TaskSchedule } from './schedule.ts';
import type { TaskSettings } from './settings.ts';
import type { TaskType } from './task-type.ts';

/** A task as the frame sees it. */
export interface FramedTask {
  readonly id: string;
  readonly settings: TaskSettings;
  readonly record: TaskRecord;
  /** Whether a run is under way. */
  readonly isBusy: boolean;
  /** Resolves when no run is under way any more, or the deadline of the one that is has passed. */
  ended(): Promise<void>;
}

/** What a task asks of the frame that it runs in. */
export interface TaskFrame {
  readonly schedule: TaskSchedule;
  readonly records: TaskRecords;
  readonly clocks: { readonly now: () => number; readonly monotonicMs: () => number };
  /** Whether another agent runs the tasks. */
  isStandby(): boolean;
  /** Why a producer is switched off for some time; undefined when it is not. */
  gate(group: string, name: string): string | undefined;
  /** A place for a run, first among those of its type; undefined when none came free in time. */
  slot(type: TaskType, timeoutMs: number, isSlow: boolean): Promise<(() => void) | undefined>;
  /** Records how much later than planned a run began. */
  late(task: FramedTask, lateMs: number): void;
  /** Records a run that has ended. */
  ran(task: FramedTask, durationSeconds: number): void;
  /** Logs a run that threw what no run should. */
  panicked(task: FramedTask, cause: unknown): void;
  /** A task was removed; a run of it may be under way. */
  left(task: FramedTask): void;
}
