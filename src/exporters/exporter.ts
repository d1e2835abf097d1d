import type { Target } from '../config/identity.ts';
import type { Encoding } from '../metrics/compression.ts';
import type { Group } from '../metrics/group.ts';
import type { PreparedBody } from '../metrics/prepared.ts';
import type { Snapshot } from '../metrics/snapshot.ts';

/** One group of one cycle, rendered and compressed once for all receivers. */
export interface Body {
  readonly group: Group;
  /** When its collection began, milliseconds since 1970. Never changed by a resend. */
  readonly stampMs: number;
  readonly encoding: Encoding;
  /**
   * Members of that encoding, one after the other one body; text without job and instance. Not in one piece: a large
   * cluster's state is kept in these very members, and would be in memory twice.
   */
  readonly members: readonly Buffer[];
  /** Bytes before compression. */
  readonly textBytes: number;
  readonly samples: number;
  /** Asked right before each upload: whether this agent still is the one that may send it. */
  readonly mayPush?: () => boolean;
  /** What names its series, when that may no longer be what is configured. */
  readonly target?: Target;
}

/** Sums of members, which never change: queue, spool, sender and metrics ask for them in each cycle. */
const sizes = new WeakMap<Body['members'], number>();

/** Bytes of a body as it is sent. */
export function wireBytes({ members }: Pick<Body, 'members'>): number {
  let size = sizes.get(members);
  if (size === undefined) {
    size = members.reduce((sum, member) => sum + member.length, 0);
    sizes.set(members, size);
  }
  return size;
}

/** A family that the receiver does not take from a group. */
export interface LeftOut {
  readonly group: Group;
  readonly family: string;
  readonly sinceMs: number;
  /** When it is tried again. */
  readonly retryMs: number;
  /** What the receiver said. */
  readonly reason: string;
}

/** How one exporter fares, for people; holds no credentials. */
export interface ExporterStatus {
  readonly name: string;
  /** As in `exporters.NAME.type`. */
  readonly type: string;
  /** The address that is in use now: of several, the one that takes bodies. */
  readonly url: string;
  readonly groups: readonly Group[];
  /** `ok`: the last try was taken; `retrying`: waits out a failure; `paused`: a person has to act; `idle`: no try yet. */
  readonly state: 'ok' | 'retrying' | 'paused' | 'idle';
  /** When an upload was last acknowledged, milliseconds since 1970. */
  readonly lastSuccessMs?: number;
  /** Status of the last answer; `error` without one. */
  readonly lastCode?: number | 'error';
  readonly lastFailure?: { readonly atMs: number; readonly text: string };
  /** How long the last try took. */
  readonly latencyMs?: number;
  readonly memory: { readonly bodies: number; readonly bytes: number; readonly oldestStampMs?: number };
  /** Undefined when nothing is kept on disk. */
  readonly spool?: {
    readonly bodies: number;
    readonly bytes: number;
    readonly limitBytes: number;
    readonly oldestStampMs?: number;
    /** Why nothing can be kept on disk now; absent when it can. */
    readonly trouble?: string;
    /** Entries of its folder that are not the agent's and are left alone. */
    readonly foreign: number;
  };
  readonly sentSamples: number;
  /** Families that the receiver refuses, and that its pushes go without; absent when there are none. */
  readonly leftOut?: readonly LeftOut[];
  /** Samples given up, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** Series that were in an earlier body and are not in that of `stampMs`. */
export interface EndedSeries {
  readonly stampMs: number;
  /** `name{labels}`. */
  readonly keys: readonly string[];
  /** As in {@link Body}. */
  readonly mayPush?: (() => boolean) | undefined;
}

/** What a cycle collected of one group, for receivers that get no text. */
export interface CollectedSamples {
  readonly group: Group;
  readonly stampMs: number;
  /** Closed; their lists of series are shared with those of earlier cycles as long as the series stay the same. */
  readonly snapshots: readonly Snapshot[];
  /** Text that stays compressed between cycles. */
  readonly prepared: readonly PreparedBody[];
  /** Counters that are new: when they were still 0. */
  readonly births: readonly { readonly key: string; readonly stampMs: number }[];
  /** As in {@link Body}. */
  readonly mayPush?: (() => boolean) | undefined;
}

/** Where bodies go. Delivers on its own: a slow or dead receiver delays neither another nor the next cycle. */
export interface Exporter {
  readonly name: string;
  /** How bodies for it are best written: it takes all that it asked for before as well. */
  readonly encoding: Encoding;
  /** Whether this receiver gets the group. */
  accepts(group: Group): boolean;
  /** Takes up what an earlier run left on disk; what is delivered before waits in memory. */
  start(): void;
  /** Takes a body and returns at once. */
  deliver(body: Body): void;
  /** Takes samples in place of a rendered body, and returns at once; undefined when it needs text. */
  readonly deliverSamples?: ((samples: CollectedSamples) => void) | undefined;
  /** Ends series of a group at the receiver; undefined when it can't, or when that is not wanted. */
  readonly endSeries?: ((group: Group, ended: EndedSeries) => void) | undefined;
  /** How it fares now. */
  status(): ExporterStatus;
  /**
   * Finishes uploads and tries once more what is left, for at most `deadlineMs`; the rest goes to disk, or is counted as
   * dropped where there is none.
   */
  close(deadlineMs: number): Promise<void>;
}
