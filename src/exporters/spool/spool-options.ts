import type { ThrottledLog } from '../../base/log.ts';
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
  /** Called when the sizes or the state have changed. */
  readonly onChange: () => void;
  readonly disk?: Disk;
}

/** The queue, and the state of the disk. */
export interface SpoolStatus {
  readonly bodies: number;
  readonly bytes: number;
  readonly limitBytes: number;
  readonly oldestStampMs?: number;
  /** Why the spool is unavailable. */
  readonly trouble?: string;
  /** Foreign entries of the folder, which stay untouched. */
  readonly foreign: number;
}
