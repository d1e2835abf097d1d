import type { PodInfo } from '../kube/pod-info.ts';

/** Somebody who knows which pods are on this node. */
export interface IdentitySource {
  readonly name: string;
  /** All pods of this node; undefined if they are as they were. Rejects when the source can't be asked. */
  pods(signal: AbortSignal): Promise<readonly PodInfo[] | undefined>;
  close(): void | Promise<void>;
}
