import { counterSeries, flag, type List, series, unixSecondsOrZeroTime } from '../common.ts';
import type { Emit, KubeFamily, LabelValue, Stability } from '../resource.ts';
import { emitAmounts } from '../resource-units.ts';
import type { Container, ContainerState, ContainerStatus, Pod, TerminatedState } from './pod-types.ts';

/** One of the two kinds of containers; both have the same families under different prefixes. */
interface ContainerKind {
  readonly prefix: string;
  /** The noun of the help texts. */
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
export const containerFamilies: readonly KubeFamily<Pod>[] = [
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
      `Which image each ${noun} was made of.`,
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
    amounts('limits', `How much of a resource each ${noun} may use.`),
    amounts('requests', `How much of a resource is set aside for each ${noun}.`),
    ofStatus(
      'state_started',
      stability,
      `When each ${noun} started that runs or has ended, in seconds since 1970.`,
      [],
      ({ name, state }, emit) => {
        const started = state?.running ?? state?.terminated;
        const seconds = started && unixSecondsOrZeroTime(started.startedAt);
        if (typeof seconds === 'number') emit(seconds, name);
      },
    ),
    ofLast('reason', `Why the ${noun} ended the last time.`, ['reason'], ({ reason }) => [1, reason]),
    ofLast('exitcode', `Exit code of the ${noun} when it ended the last time.`, [], ({ exitCode }) => [exitCode ?? 0]),
    ofLast('timestamp', `When the ${noun} ended the last time, in seconds since 1970.`, [], ({ finishedAt }) => [
      unixSecondsOrZeroTime(finishedAt),
    ]),
    ofStatus('status_ready', 'STABLE', `Whether each ${noun} is ready.`, [], ({ name, ready }, emit) =>
      emit(flag(ready), name),
    ),
    counterSeries(
      `${prefix}_status_restarts_total`,
      'STABLE',
      `How often each ${noun} was started again.`,
      ['container'],
      (pod, emit) => {
        for (const { name, restartCount } of statuses(pod) ?? []) emit(restartCount ?? 0, name);
      },
    ),
    inState('running', `Whether each ${noun} runs.`),
    inState('terminated', `Whether each ${noun} has ended.`),
    ofStatus('status_terminated_reason', 'ALPHA', `Why the ${noun} ended.`, ['reason'], ({ name, state }, emit) => {
      if (state?.terminated) emit(1, name, state.terminated.reason);
    }),
    inState('waiting', `Whether each ${noun} waits to be started.`),
    ofStatus('status_waiting_reason', stability, `What the ${noun} waits for.`, ['reason'], ({ name, state }, emit) => {
      if (state?.waiting) emit(1, name, state.waiting.reason);
    }),
  ];
}
