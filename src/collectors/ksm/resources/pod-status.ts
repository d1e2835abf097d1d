import { isIPv4, isIPv6 } from 'node:net';
import {
  type Condition,
  emitCondition,
  emitStates,
  series,
  single,
  unixSeconds,
  unixSecondsOrZeroTime,
} from '../common.ts';
import type { Emit, KubeFamily } from '../resource.ts';
import type { Pod } from './pod-types.ts';

const PHASES = ['Pending', 'Succeeded', 'Failed', 'Unknown', 'Running'];
const QOS_CLASSES = ['BestEffort', 'Burstable', 'Guaranteed'];

const REASONS = [
  'Evicted',
  'NodeAffinity',
  'NodeLost',
  'PreemptionByScheduler',
  'SchedulingGated',
  'Shutdown',
  'TerminationByKubelet',
  'UnexpectedAdmissionError',
];
const DISRUPTION_REASONS = [
  'PreemptionByScheduler',
  'DeletionByTaintManager',
  'EvictionByEvictionAPI',
  'DeletionByPodGC',
  'TerminationByKubelet',
];

/** Families about the overall status of a pod. */
export const statusFamilies: readonly KubeFamily<Pod>[] = [
  single(
    'kube_pod_completion_time',
    'STABLE',
    'When a container of the pod last terminated, in seconds since 1970.',
    completionTime,
  ),
  single('kube_pod_start_time', 'STABLE', 'When the pod was accepted by its node, in seconds since 1970.', (pod) =>
    unixSeconds(pod.status?.startTime),
  ),
  series('kube_pod_ips', 'ALPHA', 'Addresses of the pod.', ['ip', 'ip_family'], ({ status }, emit) => {
    for (const { ip } of status?.podIPs ?? []) {
      const family = ipFamily(ip ?? '');
      if (family) emit(1, ip, family);
    }
  }),
  series('kube_pod_status_phase', 'STABLE', 'Phase of the pod: 1 for the current one.', ['phase'], ({ status }, emit) =>
    emitStates(emit, PHASES, status?.phase),
  ),
  series(
    'kube_pod_status_qos_class',
    'ALPHA',
    'Quality of service (QoS) class of the pod: 1 for the current one.',
    ['qos_class'],
    ({ status }, emit) => emitStates(emit, QOS_CLASSES, status?.qosClass),
  ),
  series(
    'kube_pod_status_ready',
    'STABLE',
    'Whether the pod is ready: 1 for the current status of its condition.',
    ['condition'],
    (pod, emit) => {
      for (const { status } of conditions(pod, 'Ready')) emitCondition(emit, status);
    },
  ),
  series(
    'kube_pod_status_scheduled',
    'STABLE',
    'Whether the pod is scheduled to a node: 1 for the current status of its condition.',
    ['condition'],
    (pod, emit) => {
      for (const { status } of conditions(pod, 'PodScheduled')) emitCondition(emit, status);
    },
  ),
  since('ready_time', 'ALPHA', 'When the pod became ready', 'Ready', 'True'),
  since('initialized_time', 'ALPHA', 'When the init containers completed', 'Initialized', 'True'),
  since('container_ready_time', 'ALPHA', 'When all containers became ready', 'ContainersReady', 'True'),
  since('scheduled_time', 'STABLE', 'When the pod was scheduled to a node', 'PodScheduled', 'True'),
  since('unscheduled_time', 'ALPHA', 'When the pod became unschedulable', 'PodScheduled', 'False'),
  series(
    'kube_pod_status_unschedulable',
    'STABLE',
    '1 while the pod cannot be scheduled; otherwise absent.',
    [],
    (pod, emit) => {
      for (const { status } of conditions(pod, 'PodScheduled')) if (status === 'False') emit(1);
    },
  ),
  series(
    'kube_pod_status_reason',
    'ALPHA',
    'Reasons for the state of the pod, its conditions and its terminated containers.',
    ['reason'],
    emitReasons,
  ),
  series(
    'kube_pod_status_disruption_reason',
    'ALPHA',
    'Reason for the disruption that is about to terminate the pod.',
    ['reason'],
    (pod, emit) => {
      for (const { reason = '' } of conditions(pod, 'DisruptionTarget')) {
        emit(1, DISRUPTION_REASONS.includes(reason) ? reason : 'Other');
      }
    },
  ),
];

function conditions(pod: Pod, wanted: string): readonly Condition[] {
  return (pod.status?.conditions ?? []).filter(({ type }) => type === wanted);
}

/** `kube_pod_status_<name>`: when the condition got this status; none when it has another one. */
function since(
  name: string,
  stability: 'STABLE' | 'ALPHA',
  help: string,
  type: string,
  wanted: 'True' | 'False',
): KubeFamily<Pod> {
  return series(`kube_pod_status_${name}`, stability, `${help}, in seconds since 1970.`, [], (pod, emit) => {
    for (const { status, lastTransitionTime } of conditions(pod, type)) {
      const seconds = status === wanted ? unixSecondsOrZeroTime(lastTransitionTime) : undefined;
      if (seconds !== undefined) emit(seconds);
    }
  });
}

function completionTime({ status }: Pod): number | undefined {
  let last = 0;
  for (const { state } of status?.containerStatuses ?? []) {
    last = Math.max(last, unixSeconds(state?.terminated?.finishedAt) ?? 0);
  }
  return last > 0 ? last : undefined;
}

/**
 * The reason of the pod itself, of its conditions and of its terminated containers, as far as they are distinguished.
 */
function emitReasons({ status }: Pod, emit: Emit): void {
  const reasons = new Set([status?.reason]);
  for (const { reason } of status?.conditions ?? []) reasons.add(reason);
  for (const { state } of status?.containerStatuses ?? []) reasons.add(state?.terminated?.reason);
  for (const reason of REASONS) if (reasons.has(reason)) emit(1, reason);
  if (status?.reason && !REASONS.includes(status.reason)) emit(1, 'Other');
}

/** `4`, also for IPv4-mapped IPv6 addresses, or `6`; undefined when `ip` is not an address. */
function ipFamily(ip: string): '4' | '6' | undefined {
  if (isIPv4(ip)) return '4';
  if (!isIPv6(ip) || ip.includes('%')) return undefined;
  return /^[0:]+:ffff:(?:[\d.]+|[\da-f]+:[\da-f]+)$/i.test(ip) ? '4' : '6';
}
