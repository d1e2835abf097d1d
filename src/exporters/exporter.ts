import type { Group } from '../metrics/group.ts';

/** One group of one cycle, rendered and compressed once for all receivers. */
export interface Body {
  readonly group: Group;
  /** When its collection began, milliseconds since 1970. Never changed by a resend. */
  readonly stampMs: number;
  /**
   * gzip members, one after the other one body; text without timestamps, job and instance. Not in one piece: a large
   * cluster's state is kept in these very members, and would be in memory twice.
   */
  readonly members: readonly Buffer[];
  readonly textBytes: number;
  readonly samples: number;
  /** Asked right before each upload: whether this agent still is the one that may send it. */
  readonly mayPush?: () => boolean;
}

/** Bytes of a body as it is sent. */
export const wireBytes = ({ members }: Pick<Body, 'members'>): number =>
  members.reduce((sum, member) => sum + member.length, 0);

/** Where bodies go. Delivers on its own: a slow or dead receiver delays neither another nor the next cycle. */
export interface Exporter {
  readonly name: string;
  /** Whether this receiver gets the group. */
  accepts(group: Group): boolean;
  /** Takes a body and returns at once. */
  deliver(body: Body): void;
  /** Finishes uploads and tries once more what is left, for at most `deadlineMs`; the rest is counted as dropped. */
  close(deadlineMs: number): Promise<void>;
}
