import type { KubeObject } from './object.ts';
import { controllerOf, UNMANAGED, workloadByName } from './workload.ts';

/** Path for requesting the pods of a node; documented in docs/api.yaml. A contract with agents of other versions. */
export const POD_INFO_PATH = '/v1/ksm/getPodInfoByNodeName';

/**
 * The information about a pod for agents that know only its uid or the ids of its containers; as JSON, the wire format.
 * Strings that Kubernetes does not provide are empty.
 */
export interface PodInfo {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** For static pods: the uid used by the kubelet, also in cgroup names. */
  readonly configHash?: string | undefined;
  readonly phase: string;
  readonly podIP: string;
  readonly hostIP: string;
  readonly hostNetwork: boolean;
  readonly qosClass: string;
  readonly startTime: string;
  /** The owner of the pod. */
  readonly ownerKind: string;
  readonly ownerName: string;
  /** The workload a user deployed: the Deployment behind a ReplicaSet, the CronJob behind a Job, else the owner. */
  readonly workloadKind: string;
  readonly workloadName: string;
  /** The labels that the configuration allows. */
  readonly labels: Readonly<Record<string, string>>;
  /** The annotations that the configuration allows; absent without any, and absent in responses from older agents. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** The condition `Ready`; absent when it is not reported, and absent in responses from older agents. */
  readonly ready?: boolean | undefined;
  readonly containers: readonly ContainerInfo[];
}

/** A container of a pod, including one that has not been created yet. */
export interface ContainerInfo {
  readonly name: string;
  /**
   * Prefixed with the runtime, as Kubernetes writes it: `containerd://c71c…`; empty before the container is created.
   */
  readonly id: string;
  readonly image: string;
  readonly imageID: string;
  readonly type: 'init' | 'app' | 'ephemeral';
  readonly restartCount: number;
  readonly state: 'waiting' | 'running' | 'terminated' | '';
  /** Declared ports; absent without any, and absent in responses from older agents. */
  readonly ports?: readonly PortInfo[] | undefined;
}

/** A declared port of a container. */
interface PortInfo {
  /** Empty without one. */
  readonly name: string;
  readonly containerPort: number;
  readonly protocol: string;
}

/** The response for one node. */
export interface NodePods {
  readonly nodeName: string;
  /** The newest resourceVersion among the pods; empty without pods. */
  readonly resourceVersion: string;
  readonly pods: readonly PodInfo[];
}

/** The fields of a Pod used here. */
export interface IdentityPod extends KubeObject {
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
  readonly containerStatuses?: readonly StatusContainer[] | null;
  readonly initContainerStatuses?: readonly StatusContainer[] | null;
  readonly ephemeralContainerStatuses?: readonly StatusContainer[] | null;
}

interface StatusContainer {
  readonly name?: string;
  readonly image?: string;
  readonly imageID?: string;
  readonly containerID?: string;
  readonly restartCount?: number;
  readonly state?: { readonly waiting?: object; readonly running?: object; readonly terminated?: object } | null;
}

const CONFIG_HASH = 'kubernetes.io/config.hash';

/** Where a pod lists its containers, by type. */
const CONTAINERS = [
  { type: 'init', specs: 'initContainers', statuses: 'initContainerStatuses' },
  { type: 'app', specs: 'containers', statuses: 'containerStatuses' },
  { type: 'ephemeral', specs: 'ephemeralContainers', statuses: 'ephemeralContainerStatuses' },
] as const;

/** Selects the labels to include. */
export type PickLabels = (labels: NonNullable<KubeObject['metadata']>['labels']) => PodInfo['labels'];

const NONE: PodInfo['labels'] = {};

/** Selects no labels. */
export const NO_LABELS: PickLabels = () => NONE;

/** The information reported about `pod`; `annotations` selects annotations, as `labels` does labels. */
export function podInfo(pod: IdentityPod, labels: PickLabels, annotations: PickLabels = NO_LABELS): PodInfo {
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

/** Selects entries whose names have one of the prefixes. */
export const byPrefix =
  (...prefixes: readonly string[]): PickLabels =>
  (map) =>
    Object.fromEntries(
      Object.entries(map ?? {}).filter(([name]) => prefixes.some((prefix) => name.startsWith(prefix))),
    );

/** Selects all. */
export const ALL_LABELS: PickLabels = (map) => map ?? {};

/** A port without a protocol uses TCP. */
const portsOf = ({ ports }: SpecContainer): ContainerInfo['ports'] =>
  ports?.flatMap(({ name = '', containerPort, protocol = 'TCP' }) =>
    containerPort === undefined ? [] : [{ name, containerPort, protocol }],
  );

function containerInfo(
  type: ContainerInfo['type'],
  container: SpecContainer,
  status: StatusContainer | undefined,
): ContainerInfo {
  const { name = '', image = '' } = container;
  const ports = portsOf(container);
  const { waiting, running, terminated } = status?.state ?? {};
  return {
    name,
    id: status?.containerID ?? '',
    // The runtime's own name of the image, once available: the one that cAdvisor and kube-state-metrics report.
    image: status?.image || image,
    imageID: status?.imageID ?? '',
    type,
    restartCount: status?.restartCount ?? 0,
    state: terminated ? 'terminated' : running ? 'running' : waiting ? 'waiting' : '',
    ...(ports && ports.length > 0 && { ports }),
  };
}
