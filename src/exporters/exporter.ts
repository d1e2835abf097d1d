import type { Target } from '../config/identity.ts';
import type { ExporterView } from '../http/status-view.ts';
import type { LogSink } from '../logs/sink.ts';
import type { Encoding } from '../metrics/compression.ts';
import type { Ended } from '../metrics/ended.ts';
import type { Group } from '../metrics/group.ts';
import type { PreparedText } from '../metrics/prepared.ts';
import type { Snapshot } from '../metrics/snapshot.ts';

/** One group of one cycle, rendered and compressed once for all receivers. */
export interface Batch {
  readonly group: Group;
  /** Start of its collection, milliseconds since 1970. A resend never changes it. */
  readonly stampMs: number;
  readonly encoding: Encoding;
  /**
   * Members of that encoding, which form the payload when concatenated. The text has no job and instance. Not one
   * buffer: a large cluster's state is stored in these same members, and would be in memory twice.
   */
  readonly members: readonly Buffer[];
  /** Bytes before compression. */
  readonly textBytes: number;
  readonly samples: number;
  /** Called right before each upload: whether this agent may still send it. */
  readonly mayPush?: () => boolean;
  /**
   * Called when nothing more of it will be sent: it was acknowledged, permanently rejected, or is on disk. Not called
   * for a batch that is dropped while its receiver is unavailable.
   */
  readonly onSettled?: (() => void) | undefined;
  /** The target of its series, if it may differ from the configured one. */
  readonly target?: Target;
}

/** A batch with the target that it was collected for. */
export type AddressedBatch = Batch & Required<Pick<Batch, 'target'>>;

/** Cached sizes of members, which never change. Queue, spool, sender and metrics need them in each cycle. */
const sizes = new WeakMap<Batch['members'], number>();

/** Size of a batch as sent, in bytes. */
export function wireBytes({ members }: Pick<Batch, 'members'>): number {
  let size = sizes.get(members);
  if (size === undefined) {
    size = members.reduce((sum, member) => sum + member.length, 0);
    sizes.set(members, size);
  }
  return size;
}

/** The status of one exporter, human-readable. Contains no credentials. */
export type ExporterStatus = Omit<ExporterView, 'lossInSeconds'>;

/** Series that were in an earlier batch and are not in that of `stampMs`. */
export interface EndedSeries extends Ended {
  readonly stampMs: number;
  /** As in {@link Batch}. */
  readonly mayPush?: (() => boolean) | undefined;
}

/** What a cycle collected of one group, for receivers that do not use the text format. */
export interface CollectedSamples {
  readonly group: Group;
  readonly stampMs: number;
  /** Closed snapshots. They share their lists of series with earlier cycles as long as the series stay the same. */
  readonly snapshots: readonly Snapshot[];
  /** Text that stays compressed between cycles. */
  readonly prepared: readonly PreparedText[];
  /** New counters, by the time when they were still 0. */
  readonly births: readonly { readonly key: string; readonly stampMs: number }[];
  /** As in {@link Batch}. */
  readonly mayPush?: (() => boolean) | undefined;
  /** As in {@link Batch}. */
  readonly onSettled?: (() => void) | undefined;
}

/**
 * Called at the beginning of a cycle with the names of the exporters that get a group. The returned function is called
 * with each of them that has settled the batch of this cycle.
 */
export type Tracking = (exporters: readonly string[]) => (exporter: string) => void;

/**
 * Destination of batches. Delivers independently: a slow or dead receiver delays neither other receivers nor the next
 * cycle.
 */
export interface Exporter {
  readonly name: string;
  /** The preferred encoding of its batches. It also accepts all encodings that it requested before. */
  readonly encoding: Encoding;
  /** Whether this receiver gets the group. */
  accepts(group: Group): boolean;
  /** Takes over what an earlier run left on disk. Batches delivered before that are queued in memory. */
  start(): void;
  /** Accepts a batch and returns immediately. */
  deliver(batch: Batch): void;
  /** Accepts samples instead of a rendered batch, and returns immediately. Undefined when it needs text. */
  readonly deliverSamples?: ((samples: CollectedSamples) => void) | undefined;
  /** Marks series of a group as stale at the receiver. Undefined when that is unsupported or disabled. */
  readonly endSeries?: ((group: Group, ended: EndedSeries) => void) | undefined;
  /** Accepts log entries. Undefined if it accepts series. */
  readonly entries?: LogSink | undefined;
  /** Its current status. */
  status(): ExporterStatus;
  /**
   * Finishes uploads and retries the rest of the queue once, for at most `deadlineMs`. What remains is written to disk,
   * or counted as dropped without a spool.
   */
  close(deadlineMs: number): Promise<void>;
}
