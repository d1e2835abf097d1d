import { NO_LABELS, type PickLabels, type PodInfo } from '../kube/pod-info.ts';

/** What is to be known of the labels and annotations of pods. State agents decide for themselves. */
export interface PodPicks {
  readonly labels: PickLabels;
  readonly annotations: PickLabels;
}

/** Neither labels nor annotations. */
export const NO_PICKS: PodPicks = { labels: NO_LABELS, annotations: NO_LABELS };

/** Somebody who knows which pods are on this node. */
export interface IdentitySource {
  readonly name: string;
  /** All pods of this node; undefined if they are as they were. Rejects when the source can't be asked. */
  pods(signal: AbortSignal): Promise<readonly PodInfo[] | undefined>;
  close(): void | Promise<void>;
}
