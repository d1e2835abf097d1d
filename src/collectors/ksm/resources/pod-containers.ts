import { counterSeries, flag, type List, series, unixSecondsOrZeroTime } from '../common.ts';
import type { Emit, KubeFamily, LabelValue, Stability } from '../resource.ts';
import { emitAmounts } from '../resource-units.ts';
import type { Container, ContainerState, ContainerStatus, Pod, TerminatedState } from './pod-types.ts';

/** One of the two kinds of containers; both have the same families under different prefixes. */
interface ContainerKind {
  readonly prefix: string;
  /** The noun used in HELP texts. */
  readonly noun: string;
  /** Stability of the families that are less stable for init containers. */
  readonly stability: Stability;
  readonly containers: (pod: Pod) => List<Container>;
  readonly statuses: (pod: Pod) => List<ContainerStatus>;
  /** Labels of the info family after the common ones. */
  readonly moreInfo: Readonly<Record<string, (container: Container) => LabelValue>>;
}

const INFO_LABELS = ['container', 'image_spec', 'image', 'image_id', 'container_id'];
const AMOUNT_LABELS = ['container', 'node', 'resource', 'unit'];

/** Families of the containers and init containers of a pod. */
export const podContainerFamilies: readonly KubeFamily<Pod>[] = [
  ...familiesOf({
    prefix: 'kube_pod_container',
    noun: 'container',
    stability: 'STABLE',
    containers: ({ spec }) => spec?.containers,
    statuses: ({ status }) => status?.containerStatuses,
    moreInfo: {},
  }),
  ...familiesOf({
    prefix: 'kube_pod_init_container',
    noun: 'init container',
    stability: 'ALPHA',
    containers: ({ spec }) => spec?.initContainers,
    statuses: ({ status }) => status?.initContainerStatuses,
    moreInfo: { restart_policy: ({ restartPolicy }) => restartPolicy },
  }),
];

function familiesOf({ prefix, noun, stability, containers, statuses, moreInfo }: ContainerKind): KubeFamily<Pod>[] {
  const amounts = (what: 'limits' | 'requests', help: string): KubeFamily<Pod> =>
    series(`${prefix}_resource_${what}`, stability, help, AMOUNT_LABELS, (pod, emit) => {
      for (const { name, resources } of containers(pod) ?? []) {
        emitAmounts(emit, resources?.[what], 'container', name, pod.spec?.nodeName);
      }
    });
  const ofStatus = (
    name: string,
    familyStability: Stability,
    help: string,
    labels: readonly string[],
    samples: (status: ContainerStatus, emit: Emit) => void,
  ): KubeFamily<Pod> =>
    series(`${prefix}_${name}`, familyStability, help, ['container', ...labels], (pod, emit) => {
      for (const status of statuses(pod) ?? []) samples(status, emit);
    });
  const inState = (state: keyof ContainerState, help: string): KubeFamily<Pod> =>
    ofStatus(`status_${state}`, 'STABLE', help, [], (status, emit) =>
      emit(flag(Boolean(status.state?.[state])), status.name),
    );
  const ofLast = (
    what: string,
    help: string,
    labels: readonly string[],
    sample: (last: TerminatedState) => readonly [value: number | undefined, ...labels: LabelValue[]],
  ): KubeFamily<Pod> =>
    ofStatus(`status_last_terminated_${what}`, 'ALPHA', help, labels, ({ name, lastState }, emit) => {
      if (!lastState?.terminated) return;
      const [value, ...values] = sample(lastState.terminated);
      if (value !== undefined) emit(value, name, ...values);
    });

  return [
    series(
      `${prefix}_info`,
      'STABLE',
      `Image of each ${noun}.`,
      [...INFO_LABELS, ...Object.keys(moreInfo)],
      (pod, emit) => {
        for (const container of containers(pod) ?? []) {
          const status = statuses(pod)?.find(({ name }) => name === container.name);
          if (!status) continue;
          const more = Object.values(moreInfo).map((read) => read(container));
          emit(1, container.name, container.image, status.image, status.imageID, status.containerID, ...more);
        }
      },
    ),
    amounts('limits', `Resource limits of each ${noun}.`),
    amounts('requests', `Resource requests of each ${noun}.`),
    ofStatus(
      'state_started',
      stability,
      `Start time of each running or terminated ${noun}, in seconds since 1970.`,
      [],
      ({ name, state }, emit) => {
        const started = state?.running ?? state?.terminated;
        const seconds = started && unixSecondsOrZeroTime(started.startedAt);
        if (typeof seconds === 'number') emit(seconds, name);
      },
    ),
    ofLast('reason', `Reason for the last termination of the ${noun}.`, ['reason'], ({ reason }) => [1, reason]),
    ofLast('exitcode', `Exit code of the last termination of the ${noun}.`, [], ({ exitCode }) => [exitCode ?? 0]),
    ofLast('timestamp', `Time of the last termination of the ${noun}, in seconds since 1970.`, [], ({ finishedAt }) => [
      unixSecondsOrZeroTime(finishedAt),
    ]),
    ofStatus('status_ready', 'STABLE', `Whether each ${noun} is ready.`, [], ({ name, ready }, emit) =>
      emit(flag(ready), name),
    ),
    counterSeries(
      `${prefix}_status_restarts_total`,
      'STABLE',
      `Number of restarts of each ${noun}.`,
      ['container'],
      (pod, emit) => {
        for (const { name, restartCount } of statuses(pod) ?? []) emit(restartCount ?? 0, name);
      },
    ),
    inState('running', `Whether each ${noun} is running.`),
    inState('terminated', `Whether each ${noun} is terminated.`),
    ofStatus(
      'status_terminated_reason',
      'ALPHA',
      `Why the ${noun} is terminated.`,
      ['reason'],
      ({ name, state }, emit) => {
        if (state?.terminated) emit(1, name, state.terminated.reason);
      },
    ),
    inState('waiting', `Whether each ${noun} is waiting to start.`),
    ofStatus('status_waiting_reason', stability, `Why the ${noun} is waiting.`, ['reason'], ({ name, state }, emit) => {
      if (state?.waiting) emit(1, name, state.waiting.reason);
    }),
  ];
}
