import * as z from 'zod';
import { bytes } from '../../config/units.ts';
import type { Group } from '../../metrics/group.ts';
import type { HttpSettings } from '../http/settings.ts';

/** Receiver-specific parts of {@link deliverySettings}. */
interface DeliveryDefaults {
  /** The default of `retries`, in words. */
  readonly retries: string;
  /** How many cycles are queued in memory, as a sentence. */
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
        .describe('Compressed bytes queued in memory. The newest batch of each group is always kept.'),
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
      bytesPerSecond: bytes(1024).prefault('4MiB').describe('Rate limit for older batches, in bytes per second.'),
      share: z.number().min(0.01).max(1).default(0.5).describe('Share of the sending time that older batches may use.'),
    })
    .prefault({})
    .describe('How fast spooled batches are sent once the receiver is back. New batches always go first.'),
});

/** Settings of an exporter that queues batches and sends them over HTTP. */
export type DeliverySettings = HttpSettings &
  z.output<z.ZodObject<ReturnType<typeof deliverySettings>>> & {
    readonly type: string;
    readonly groups: readonly Group[];
    /** How batches are compressed. When unset, the agent detects what the receiver supports. */
    readonly compression?: 'zstd' | 'gzip' | 'none' | undefined;
    /** Whether vanished series are marked as stale. When unset, they are if the receiver supports it. */
    readonly staleMarkers?: boolean | undefined;
  };
