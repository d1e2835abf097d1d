import type { ThrottledLog } from '../../base/log.ts';
import type { ExporterView } from '../../http/status-view.ts';
import type { Disk } from './disk.ts';

/** Options of a spool. */
export interface SpoolOptions {
  readonly folder: string;
  readonly maxBytes: number;
  /** Limit of the memory queue for the disk. Above it, the oldest batch is dropped. */
  readonly maxWaitingBytes: number;
  readonly maxAgeMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: ThrottledLog;
  /** Called for each dropped batch. `samples` is undefined for a file with an unknown number of samples. */
  readonly onDrop: (reason: string, samples: number | undefined) => void;
  /** Called for each unusable file. */
  readonly onSetAside: () => void;
  readonly disk?: Disk;
}

/** The queue, and the state of the disk. */
export type SpoolStatus = NonNullable<ExporterView['spool']>;
