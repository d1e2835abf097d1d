import type { KubeObject } from '../../../kube/object.ts';
import type { Condition, List } from '../common.ts';
import type { Amounts } from '../resource-units.ts';

/** The Pod fields used by its families. */
export interface Pod extends KubeObject {
  readonly spec?: PodSpec | null;
  readonly status?: PodStatus | null;
}

interface PodSpec {
  readonly containers?: List<Container>;
  readonly initContainers?: List<Container>;
  readonly hostNetwork?: boolean;
  readonly nodeName?: string;
  readonly nodeSelector?: Readonly<Record<string, string>> | null;
  readonly overhead?: Amounts;
  readonly priorityClassName?: string;
  readonly resourceClaims?: List<ResourceClaim>;
  readonly restartPolicy?: string;
  readonly runtimeClassName?: string | null;
  readonly schedulerName?: string;
  readonly serviceAccountName?: string;
  readonly tolerations?: List<Toleration>;
  readonly volumes?: List<Volume>;
}

export interface Container {
  readonly name?: string;
  readonly image?: string;
  readonly resources?: { readonly limits?: Amounts; readonly requests?: Amounts } | null;
  /** Only for init containers; `Always` makes one a sidecar. */
  readonly restartPolicy?: string | null;
}

interface ResourceClaim {
  readonly name?: string;
  readonly resourceClaimName?: string | null;
  readonly resourceClaimTemplateName?: string | null;
}

interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
  readonly tolerationSeconds?: number | null;
}

interface Volume {
  readonly name?: string;
  readonly persistentVolumeClaim?: { readonly claimName?: string; readonly readOnly?: boolean } | null;
  readonly ephemeral?: object | null;
}

interface PodStatus {
  readonly conditions?: List<Condition>;
  readonly containerStatuses?: List<ContainerStatus>;
  readonly initContainerStatuses?: List<ContainerStatus>;
  readonly hostIP?: string;
  readonly phase?: string;
  readonly podIP?: string;
  readonly podIPs?: List<{ readonly ip?: string }>;
  readonly qosClass?: string;
  readonly reason?: string;
  readonly resourceClaimStatuses?: List<{ readonly name?: string; readonly resourceClaimName?: string | null }>;
  readonly startTime?: string | null;
}

export interface ContainerStatus {
  readonly name?: string;
  readonly image?: string;
  readonly imageID?: string;
  readonly containerID?: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly state?: ContainerState | null;
  readonly lastState?: ContainerState | null;
}

/** Exactly one of the three is present. */
export interface ContainerState {
  readonly waiting?: { readonly reason?: string } | null;
  readonly running?: { readonly startedAt?: string | null } | null;
  readonly terminated?: TerminatedState | null;
}

export interface TerminatedState {
  readonly reason?: string;
  readonly exitCode?: number;
  readonly startedAt?: string | null;
  readonly finishedAt?: string | null;
}
