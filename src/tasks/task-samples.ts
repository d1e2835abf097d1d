import { gauge, ownCounter } from '../metrics/family.ts';
import type { Snapshot } from '../metrics/snapshot.ts';
import type { TaskRecord } from './records.ts';
import type { Task } from './task.ts';

const BY_TASK = ['id', 'type'] as const;

const runs = ownCounter(
  'firesteel_task_runs_total',
  'Runs of the task, by result: ok, failed, timeout, stuck, panic, or a result specific to its type.',
  [...BY_TASK, 'result'],
);
const skipped = ownCounter(
  'firesteel_task_skipped_total',
  'Runs that were skipped, by reason: overlap, late, concurrency, disabled, standby.',
  [...BY_TASK, 'reason'],
);
const duration = gauge('firesteel_task_duration_seconds', 'How long the last run took.', BY_TASK);
const interval = gauge(
  'firesteel_task_interval_seconds',
  'Interval between runs of the task; 0 if it only runs on demand.',
  BY_TASK,
);
const lastRun = gauge('firesteel_task_last_run_timestamp_seconds', 'When the last run ended.', BY_TASK);
const lastSuccess = gauge(
  'firesteel_task_last_success_timestamp_seconds',
  'When the last successful run ended.',
  BY_TASK,
);
const series = gauge('firesteel_task_series', 'Series returned by the last run.', BY_TASK);
const tasks = gauge('firesteel_tasks', 'Tasks, by type, source and state.', ['type', 'source', 'state']);

/** The metrics about tasks: of `all` existing tasks, and the counters of recently removed ones. */
export function addTaskSamples(out: Snapshot, all: readonly Task[], records: Iterable<TaskRecord>): void {
  const states = new Map<string, number>();
  for (const { id, type, runs: byResult, skipped: byReason } of records) {
    for (const [result, times] of byResult) out.add(runs, times, id, type, result);
    for (const [reason, times] of byReason) out.add(skipped, times, id, type, reason);
  }
  for (const task of all) {
    const { settings, record, state } = task;
    const labels = [task.id, settings.type.name] as const;
    out.add(interval, settings.common.interval / 1000, ...labels);
    out.add(series, task.series, ...labels);
    if (record.durationSeconds !== undefined) out.add(duration, record.durationSeconds, ...labels);
    if (record.lastRunMs !== undefined) out.add(lastRun, record.lastRunMs / 1000, ...labels);
    if (record.lastSuccessMs !== undefined) out.add(lastSuccess, record.lastSuccessMs / 1000, ...labels);
    const key = [settings.type.name, settings.source, state].join('\n');
    states.set(key, (states.get(key) ?? 0) + 1);
  }
  for (const [key, times] of states) out.add(tasks, times, ...key.split('\n'));
}
