import type { KubeObject } from '../../../kube/object.ts';
import {
  annotations,
  type Condition,
  created,
  emitCondition,
  flag,
  type List,
  labels,
  namespaced,
  owner,
  plainInfo,
  series,
  single,
  unixSeconds,
} from '../common.ts';
import { defineResource, type Emit } from '../resource.ts';

interface Job extends KubeObject {
  readonly spec?: {
    readonly parallelism?: number | null;
    readonly completions?: number | null;
    readonly activeDeadlineSeconds?: number | null;
  } | null;
  readonly status?: {
    readonly active?: number;
    readonly ready?: number | null;
    readonly succeeded?: number;
    readonly failed?: number;
    readonly startTime?: string | null;
    readonly completionTime?: string | null;
    readonly conditions?: List<Condition>;
  } | null;
}

/** Why a job failed, as far as reasons are distinguished. */
const FAILURES = ['BackoffLimitExceeded', 'DeadlineExceeded', 'Evicted'];

/** Jobs: numbers of active, succeeded and failed pods. */
export const jobs = defineResource<Job>({
  name: 'jobs',
  kind: 'Job',
  apiVersion: 'batch/v1',
  namespaced: true,
  enabled: true,
  identity: namespaced('job_name'),
  families: [
    annotations('kube_job'),
    labels('kube_job'),
    plainInfo('kube_job'),
    created('kube_job'),
    single(
      'kube_job_spec_parallelism',
      'STABLE',
      'Maximum number of pods of the job that may run concurrently.',
      ({ spec }) => spec?.parallelism,
    ),
    single(
      'kube_job_spec_completions',
      'STABLE',
      'Number of pods that have to succeed for the job to complete.',
      ({ spec }) => spec?.completions,
    ),
    single(
      'kube_job_spec_active_deadline_seconds',
      'STABLE',
      'Maximum run time of the job before it is terminated, in seconds.',
      ({ spec }) => spec?.activeDeadlineSeconds,
    ),
    single('kube_job_status_succeeded', 'STABLE', 'Pods that succeeded.', ({ status }) => status?.succeeded ?? 0),
    series(
      'kube_job_status_failed',
      'STABLE',
      'Number of failed pods; once the job has failed, 1 for the reason instead, and 0 for the other reasons.',
      [],
      emitFailed,
      { extraLabels: ['reason'] },
    ),
    single(
      'kube_job_status_active',
      'STABLE',
      'Pods that are running or pending.',
      ({ status }) => status?.active ?? 0,
    ),
    single('kube_job_status_ready', 'ALPHA', 'Pods that are ready.', ({ status }) => status?.ready ?? 0),
    series(
      'kube_job_complete',
      'STABLE',
      'Whether the job is complete: 1 for the current status of its condition.',
      ['condition'],
      (job, emit) => {
        for (const { status } of conditions(job, 'Complete')) emitCondition(emit, status);
      },
    ),
    series(
      'kube_job_failed',
      'STABLE',
      'Whether the job has failed: 1 for the current status of its condition.',
      ['condition'],
      (job, emit) => {
        for (const { status } of conditions(job, 'Failed')) emitCondition(emit, status);
      },
    ),
    single('kube_job_status_start_time', 'STABLE', 'When the job started, in seconds since 1970.', ({ status }) =>
      unixSeconds(status?.startTime),
    ),
    single(
      'kube_job_status_completion_time',
      'STABLE',
      'When the job completed, in seconds since 1970.',
      ({ status }) => unixSeconds(status?.completionTime),
    ),
    series(
      'kube_job_status_suspended',
      'ALPHA',
      'Whether the job is suspended; absent if it never was.',
      [],
      (job, emit) => {
        for (const { status } of conditions(job, 'Suspended')) emit(flag(status === 'True'));
      },
    ),
    owner('kube_job', 'STABLE'),
  ],
});

const conditions = (job: Job, wanted: string): readonly Condition[] =>
  (job.status?.conditions ?? []).filter(({ type }) => type === wanted);

/** Without failures, one 0 without a reason; for failures with no known reason, their count with an empty one. */
function emitFailed(job: Job, emit: Emit): void {
  const count = job.status?.failed ?? 0;
  if (count === 0) {
    emit(0);
    return;
  }
  let known = false;
  for (const { reason } of conditions(job, 'Failed')) {
    for (const failure of FAILURES) emit(flag(reason === failure), 'reason', failure);
    known ||= FAILURES.includes(reason ?? '');
  }
  if (!known) emit(count, 'reason', '');
}
