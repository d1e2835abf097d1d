import type { KubeObject } from './object.ts';
import { controllerOf, UNMANAGED, workloadByName } from './workload.ts';

/** Where the pods of a node are asked for; docs/api.yaml describes it. A contract with agents of other versions. */
export const POD_INFO_PATH = '/v1/ksm/getPodInfoByNodeName';

/**
 * What is told about a pod to those who know only its uid or the ids of its containers; as JSON, the wire format.
 * Texts that Kubernetes does not give are empty.
 */
export interface PodInfo {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Of static pods: the uid by which the kubelet knows them, also in cgroup names. */
  readonly configHash?: string | undefined;
  readonly phase: string;
  readonly podIP: string;
  readonly hostIP: string;
  readonly hostNetwork: boolean;
  readonly qosClass: string;
  readonly startTime: string;
  /** The object that made the pod. */
  readonly ownerKind: string;
  readonly ownerName: string;
  /** What people deployed: the Deployment behind a ReplicaSet, the CronJob behind a Job, else the owner. */
  readonly workloadKind: string;
  readonly workloadName: string;
  /** The labels that the configuration allows. */
  readonly labels: Readonly<Record<string, string>>;
  /** The annotations that the configuration allows; absent without any, and from agents of older versions. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** The condition `Ready`; absent when it is not reported, and from agents of older versions. */
  readonly ready?: boolean | undefined;
  readonly containers: readonly ContainerInfo[];
}

/** A container of a pod, also one that has not been created yet. */
export interface ContainerInfo {
  readonly name: string;
  /** With the runtime in front, as Kubernetes writes it: `containerd://c71c…`; empty before it is created. */
  readonly id: string;
  readonly image: string;
  readonly imageID: string;
  readonly type: 'init' | 'app' | 'ephemeral';
  readonly restartCount: number;
  readonly state: 'waiting' | 'running' | 'terminated' | '';
  /** Declared ports; absent without any, and from agents of older versions. */
  readonly ports?: readonly PortInfo[] | undefined;
}

/** A declared port of a container. */
export interface PortInfo {
  /** Empty without one. */
  readonly name: string;
  readonly containerPort: number;
  readonly protocol: string;
}

/** The answer for one node. */
export interface NodePods {
  readonly nodeName: string;
  /** The newest resourceVersion among the pods; empty without pods. */
  readonly resourceVersion: string;
  readonly pods: readonly PodInfo[];
}

/** A Pod, the fields that are needed here. */
export interface Pod extends KubeObject {
  readonly spec?: PodSpec | null;
  readonly status?: PodStatus | null;
}

interface PodSpec {
  readonly nodeName?: string;
  readonly hostNetwork?: boolean;
  readonly containers?: readonly SpecContainer[] | null;
  readonly initContainers?: readonly SpecContainer[] | null;
  readonly ephemeralContainers?: readonly SpecContainer[] | null;
}

interface SpecContainer {
  readonly name?: string;
  readonly image?: string;
  readonly ports?:
    | readonly { readonly name?: string; readonly containerPort?: number; readonly protocol?: string }[]
    | null;
}

interface PodStatus {
  readonly phase?: string;
  readonly podIP?: string;
  readonly hostIP?: string;
  readonly qosClass?: string;
  readonly startTime?: string | null;
  readonly conditions?: readonly { readonly type?: string; readonly status?: string }[] | null;
  readonly containerStatuses?: readonly Status[] | null;
  readonly initContainerStatuses?: readonly Status[] | null;
  readonly ephemeralContainerStatuses?: readonly Status[] | null;
}

interface Status {
  readonly name?: string;
  readonly image?: string;
  readonly imageID?: string;
  readonly containerID?: string;
  readonly restartCount?: number;
  readonly state?: { readonly waiting?: object; readonly running?: object; readonly terminated?: object } | null;
}

const CONFIG_HASH = 'kubernetes.io/config.hash';

/** Where a pod keeps its containers, by type. */
const CONTAINERS = [
  { type: 'init', specs: 'initContainers', statuses: 'initContainerStatuses' },
  { type: 'app', specs: 'containers', statuses: 'containerStatuses' },
  { type: 'ephemeral', specs: 'ephemeralContainers', statuses: 'ephemeralContainerStatuses' },
] as const;

/** Picks the labels to tell. */
export type PickLabels = (labels: NonNullable<KubeObject['metadata']>['labels']) => PodInfo['labels'];

const NONE: PodInfo['labels'] = {};

/** Tells no labels. */
export const NO_LABELS: PickLabels = () => NONE;

/** What is reported about `pod`; `annotations` picks some of them, as `labels` does. */
export function podInfo(pod: Pod, labels: PickLabels, annotations: PickLabels = NO_LABELS): PodInfo {
  const { metadata, spec, status } = pod;
  const owner = controllerOf(pod);
  const workload = owner ? workloadByName(owner.kind ?? '', owner.name ?? '', pod) : UNMANAGED;
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    configHash: metadata?.annotations?.[CONFIG_HASH] || undefined,
    phase: status?.phase ?? '',
    podIP: status?.podIP ?? '',
    hostIP: status?.hostIP ?? '',
    hostNetwork: spec?.hostNetwork ?? false,
    qosClass: status?.qosClass ?? '',
    startTime: status?.startTime ?? '',
    ownerKind: owner?.kind ?? '',
    ownerName: owner?.name ?? '',
    workloadKind: workload.kind,
    workloadName: workload.name,
    labels: labels(metadata?.labels),
    ...annotated(annotations(metadata?.annotations)),
    ...readiness(status?.conditions),
    containers: CONTAINERS.flatMap(({ type, specs, statuses }) =>
      (spec?.[specs] ?? []).map((container) => {
        const own = status?.[statuses]?.find(({ name }) => name === container.name);
        return containerInfo(type, container, own);
      }),
    ),
  };
}

const annotated = (annotations: PodInfo['labels']): Pick<PodInfo, 'annotations'> =>
  Object.keys(annotations).length === 0 ? {} : { annotations };

function readiness(conditions: PodStatus['conditions']): Pick<PodInfo, 'ready'> {
  const status = conditions?.find(({ type }) => type === 'Ready')?.status;
  return status === 'True' || status === 'False' ? { ready: status === 'True' } : {};
}

/** Picks those whose names begin so. */
export const byPrefix =
  (prefix: string): PickLabels =>
  (map) =>
    Object.fromEntries(Object.entries(map ?? {}).filter(([name]) => name.startsWith(prefix)));

/** Picks all. */
export const ALL_LABELS: PickLabels = (map) => map ?? {};

/** A port without a protocol is one of TCP. */
const portsOf = ({ ports }: SpecContainer): ContainerInfo['ports'] =>
  ports?.flatMap(({ name = '', containerPort, protocol = 'TCP' }) =>
    containerPort === undefined ? [] : [{ name, containerPort, protocol }],
  );

function containerInfo(
  type: ContainerInfo['type'],
  container: SpecContainer,
  status: Status | undefined,
): ContainerInfo {
  const { name = '', image = '' } = container;
  const ports = portsOf(container);
  const { waiting, running, terminated } = status?.state ?? {};
  return {
    name,
    id: status?.containerID ?? '',
    // The runtime's own name of the image, once it has one: the one that cAdvisor and kube-state-metrics tell.
    image: status?.image || image,
    imageID: status?.imageID ?? '',
    type,
    restartCount: status?.restartCount ?? 0,
    state: terminated ? 'terminated' : running ? 'running' : waiting ? 'waiting' : '',
    ...(ports && ports.length > 0 && { ports }),
  };
}
