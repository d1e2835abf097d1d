import { parseCronSchedule } from '../../../kube/cron-schedule.ts';
import type { KubeObject } from '../../../kube/object.ts';
import {
  annotations,
  created,
  flag,
  info,
  type List,
  labels,
  namespaced,
  resourceVersion,
  single,
  unixSeconds,
} from '../common.ts';
import { defineResource } from '../resource.ts';

interface CronJob extends KubeObject {
  readonly spec?: {
    readonly schedule?: string;
    readonly timeZone?: string | null;
    readonly concurrencyPolicy?: string;
    readonly suspend?: boolean | null;
    readonly startingDeadlineSeconds?: number | null;
    readonly successfulJobsHistoryLimit?: number | null;
    readonly failedJobsHistoryLimit?: number | null;
  } | null;
  readonly status?: {
    readonly active?: List<unknown>;
    readonly lastScheduleTime?: string | null;
    readonly lastSuccessfulTime?: string | null;
  } | null;
}

/** CronJobs: schedule and job history. */
export const cronjobs = defineResource<CronJob>({
  name: 'cronjobs',
  kind: 'CronJob',
  apiVersion: 'batch/v1',
  namespaced: true,
  enabled: true,
  identity: namespaced('cronjob'),
  families: [
    annotations('kube_cronjob'),
    labels('kube_cronjob'),
    info(
      'kube_cronjob_info',
      'STABLE',
      'Schedule, concurrency policy and time zone of the cron job; the time zone is "local" when unset.',
      ['schedule', 'concurrency_policy', 'timezone'],
      ({ spec }) => [spec?.schedule, spec?.concurrencyPolicy, spec?.timeZone ?? 'local'],
    ),
    created('kube_cronjob'),
    single(
      'kube_cronjob_status_active',
      'STABLE',
      'Active jobs of the cron job.',
      ({ status }) => (status?.active ?? []).length,
    ),
    single(
      'kube_cronjob_status_last_schedule_time',
      'STABLE',
      'When a job was last scheduled, in seconds since 1970.',
      ({ status }) => unixSeconds(status?.lastScheduleTime),
    ),
    single(
      'kube_cronjob_status_last_successful_time',
      'STABLE',
      'Time when a job of the cron job last succeeded, in seconds since 1970.',
      ({ status }) => unixSeconds(status?.lastSuccessfulTime),
    ),
    single('kube_cronjob_spec_suspend', 'STABLE', 'Whether the cron job is suspended.', ({ spec }) =>
      flag(spec?.suspend),
    ),
    single(
      'kube_cronjob_spec_starting_deadline_seconds',
      'STABLE',
      'How late a job may start if it missed its scheduled time, in seconds.',
      ({ spec }) => spec?.startingDeadlineSeconds,
    ),
    single(
      'kube_cronjob_next_schedule_time',
      'STABLE',
      'Next scheduled time of the cron job, in seconds since 1970; in the past when it is late, absent while suspended.',
      nextScheduleTime,
    ),
    single(
      'kube_cronjob_schedule_invalid',
      'ALPHA',
      '1 when the schedule or its time zone is invalid; otherwise absent.',
      ({ spec }) => (scheduleOf(spec) ? undefined : 1),
    ),
    resourceVersion('kube_cronjob', 'STABLE'),
    single(
      'kube_cronjob_spec_successful_job_history_limit',
      'ALPHA',
      'Number of successful jobs to retain.',
      ({ spec }) => spec?.successfulJobsHistoryLimit,
    ),
    single(
      'kube_cronjob_spec_failed_job_history_limit',
      'ALPHA',
      'Number of failed jobs to retain.',
      ({ spec }) => spec?.failedJobsHistoryLimit,
    ),
  ],
});

function nextScheduleTime({ metadata, spec, status }: CronJob): number | undefined {
  const base = unixSeconds(status?.lastScheduleTime) ?? unixSeconds(metadata?.creationTimestamp);
  return base === undefined || spec?.suspend ? undefined : scheduleOf(spec)?.next(base);
}

/** The schedule; undefined when it is invalid, which has its own family. */
function scheduleOf(spec: CronJob['spec']) {
  try {
    return parseCronSchedule(spec?.schedule ?? '', spec?.timeZone ?? undefined);
  } catch {
    return undefined;
  }
}
