import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { TaskRecords } from '../../src/tasks/records.ts';
import type { Task } from '../../src/tasks/task.ts';
import { addTaskSamples } from '../../src/tasks/task-samples.ts';
import { linesOf } from '../kit/lines.ts';

test('the samples about tasks, and the counters of one that was removed', () => {
  const records = new TaskRecords(() => 0);
  const record = records.of('web', 'http');
  record.runs.set('ok', 5).set('timeout', 1);
  record.skipped.set('late', 2);
  Object.assign(record, { durationSeconds: 0.5, lastRunMs: 9000, lastSuccessMs: 8000 });
  const gone = records.of('gone', 'exec');
  gone.runs.set('failed', 3);
  records.removed(gone);
  const settings = { common: { interval: 30_000 }, type: { name: 'http' }, source: 'file' };
  const task = { id: 'web', settings, record, state: 'waiting', series: 12 } as unknown as Task;
  const out = new Snapshot();
  addTaskSamples(out, [task], records.all());
  assert.deepEqual(linesOf(out), [
    'firesteel_task_runs_total{id="web",type="http",result="ok"} 5',
    'firesteel_task_runs_total{id="web",type="http",result="timeout"} 1',
    'firesteel_task_skipped_total{id="web",type="http",reason="late"} 2',
    'firesteel_task_runs_total{id="gone",type="exec",result="failed"} 3',
    'firesteel_task_interval_seconds{id="web",type="http"} 30',
    'firesteel_task_series{id="web",type="http"} 12',
    'firesteel_task_duration_seconds{id="web",type="http"} 0.5',
    'firesteel_task_last_run_timestamp_seconds{id="web",type="http"} 9',
    'firesteel_task_last_success_timestamp_seconds{id="web",type="http"} 8',
    'firesteel_tasks{type="http",source="file",state="waiting"} 1',
  ]);
});
