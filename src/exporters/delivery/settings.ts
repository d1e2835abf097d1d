import * as z from 'zod';
import { bytes } from '../../config/units.ts';
import type { Group } from '../../metrics/group.ts';
import type { HttpSettings } from '../http/settings.ts';

/** What differs between receivers in the settings of {@link deliverySettings}. */
export interface DeliveryDefaults {
  /** The default of `retries`, in words. */
  readonly retries: string;
  /** How many cycles wait in memory, as a sentence. */
  readonly cycles: string;
}

/** Settings of every exporter that queues batches in memory and on disk. */
export const deliverySettings = (defaults: DeliveryDefaults) => ({
  retries: z
    .int()
    .min(0)
    .max(100)
    .optional()
    .describe(`Retries of one batch before it is dropped; ${defaults.retries} when unset.`),
  queue: z
    .strictObject({
      cycles: z.int().min(1).max(100).default(4).describe(defaults.cycles),
      bytes: bytes(64 * 1024)
        .prefault('8MiB')
        .describe('Compressed bytes that wait in memory; the newest batch of each group always may.'),
    })
    .prefault({}),
  spool: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe('Spool batches that exceed the memory queue to disk, if spool.path is set.'),
    })
    .prefault({}),
  drain: z
    .strictObject({
      bytesPerSecond: bytes(1024).prefault('4MiB').describe('Rate limit for older batches, bytes a second.'),
      share: z.number().min(0.01).max(1).default(0.5).describe('Share of the time that older batches may take.'),
    })
    .prefault({})
    .describe('How fast spooled batches are sent once the receiver is back; new ones always go first.'),
});

/** Settings of an exporter that queues batches and sends them over HTTP. */
export type DeliverySettings = HttpSettings &
  z.output<z.ZodObject<ReturnType<typeof deliverySettings>>> & {
    readonly type: string;
    readonly groups: readonly Group[];
    /** How batches are compressed; when unset, the receiver is asked what it reads. */
    readonly compression?: 'zstd' | 'gzip' | 'none' | undefined;
    /** Whether series that are gone are ended; when unset, where the receiver can do that. */
    readonly staleMarkers?: boolean | undefined;
  };
