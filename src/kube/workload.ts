import type { KubeObject, OwnerReference } from './object.ts';

/** The workload a pod belongs to: a Deployment, a CronJob, ...; both strings are empty for an unmanaged pod. */
export interface Workload {
  readonly kind: string;
  readonly name: string;
}

/** No workload. */
export const UNMANAGED: Workload = { kind: '', name: '' };

/**
 * Label that the Deployment controller adds to a ReplicaSet and its pods; its value is also the suffix of the
 * ReplicaSet's name.
 */
const TEMPLATE_HASH = 'pod-template-hash';

/** A CronJob names its Jobs after their scheduled minute, counted since 1970. */
const PLANNED_MINUTE = /^(.+)-(\d{7,9})$/;
const LONGEST_DELAY_MINUTES = 366 * 1440;
const CLOCK_SKEW_MINUTES = 1440;

/** The controller among an object's owners. */
export const controllerOf = ({ metadata }: KubeObject): OwnerReference | undefined =>
  metadata?.ownerReferences?.find(({ controller }) => controller === true);

/**
 * The workload behind the owner of a pod, inferred from names alone: `object` is the pod, or the ReplicaSet or Job
 * itself. A ReplicaSet whose name ends in its template hash belongs to a Deployment. A Job named after a minute shortly
 * before its start belongs to a CronJob (a date at the end of a name is a minute of another decade).
 */
export function workloadByName(kind: string, name: string, { metadata }: KubeObject): Workload {
  if (kind === 'ReplicaSet') {
    const end = `-${metadata?.labels?.[TEMPLATE_HASH] ?? ''}`;
    if (end !== '-' && name.endsWith(end)) return { kind: 'Deployment', name: name.slice(0, -end.length) };
  }
  if (kind === 'Job') {
    const [, cronJob = '', minute] = PLANNED_MINUTE.exec(name) ?? [];
    const delay = Date.parse(metadata?.creationTimestamp ?? '') / 60_000 - Number(minute);
    if (delay > -CLOCK_SKEW_MINUTES && delay < LONGEST_DELAY_MINUTES) return { kind: 'CronJob', name: cronJob };
  }
  return { kind, name };
}
