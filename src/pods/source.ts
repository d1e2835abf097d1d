import { NO_LABELS, type PickLabels, type PodInfo } from '../kube/pod-info.ts';

/** Which labels and annotations of pods to include. State agents decide for themselves. */
export interface PodPicks {
  readonly labels: PickLabels;
  readonly annotations: PickLabels;
}

/** Neither labels nor annotations. */
export const NO_PICKS: PodPicks = { labels: NO_LABELS, annotations: NO_LABELS };

/** A source of the pods on this node. */
export interface IdentitySource {
  readonly name: string;
  /** All pods of this node; undefined if they are unchanged. Rejects if the source is unavailable. */
  pods(signal: AbortSignal): Promise<readonly PodInfo[] | undefined>;
  close(): void | Promise<void>;
}
