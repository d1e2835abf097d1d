import type { TaskView } from '../http/status-view.ts';
import type { Task } from './task.ts';

/** The view of `task`. Secrets are never part of settings: those name files. */
export function taskView(task: Task): TaskView {
  const { settings, record, last, nextMs, disabled } = task;
  const { id, interval, timeout } = settings.common;
  return {
    id,
    type: settings.type.name,
    group: settings.type.group,
    source: settings.source,
    state: task.state,
    settings: settings.input,
    intervalSeconds: interval / 1000,
    timeoutSeconds: timeout / 1000,
    ...(nextMs !== undefined && { nextMs: Math.round(nextMs) }),
    ...(last && { lastRunMs: last.startedMs, result: last.result, durationSeconds: last.durationSeconds }),
    series: task.series,
    ...(last?.error !== undefined && { error: last.error.slice(0, 1000) }),
    ...(disabled !== undefined && { reason: disabled }),
    runs: Object.fromEntries(record.runs),
    skipped: Object.fromEntries(record.skipped),
  };
}
