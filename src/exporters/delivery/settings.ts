import * as z from 'zod';
import { bytes } from '../../config/units.ts';
import type { Group } from '../../metrics/group.ts';
import type { HttpSettings } from '../http/settings.ts';

/** Receiver-specific parts of {@link deliverySettings}. */
interface DeliveryDefaults {
  /** The default of `retries`, in words. */
  readonly retries: string;
  /** As in the protocol; true when unset. Without history there is neither a longer queue nor a spool. */
  readonly keepsHistory?: boolean;
}

/** The text of a setting that is accepted, but about batches that such a receiver never gets. */
const NO_HISTORY = 'Has no effect: one cycle is queued in memory, and the next replaces it.';

/** Settings of every exporter that queues batches in memory and on disk. */
export const deliverySettings = ({ retries, keepsHistory = true }: DeliveryDefaults) => ({
  retries: z
    .int()
    .min(0)
    .max(100)
    .optional()
    .describe(`Retries of one batch before it is dropped; ${retries} when unset.`),
  queue: z
    .strictObject({
      cycles: z
        .int()
        .min(1)
        .max(100)
        .default(4)
        .describe(keepsHistory ? 'Maximum number of cycles queued in memory.' : NO_HISTORY),
      bytes: bytes(64 * 1024)
        .prefault('8MiB')
        .describe('Maximum compressed bytes queued in memory. The newest batch of each group is always kept.'),
    })
    .prefault({}),
  spool: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe(
          keepsHistory ? 'Spool batches that exceed the memory queue to disk, if spool.path is set.' : NO_HISTORY,
        ),
    })
    .prefault({}),
  drain: z
    .strictObject({
      bytesPerSecond: bytes(1024)
        .prefault('4MiB')
        .describe(keepsHistory ? 'Rate limit for older batches, in bytes per second.' : NO_HISTORY),
      share: z
        .number()
        .min(0.01)
        .max(1)
        .default(0.5)
        .describe(keepsHistory ? 'Share of the sending time that older batches may use.' : NO_HISTORY),
    })
    .prefault({})
    .describe(
      keepsHistory
        ? 'How fast spooled batches are sent once the receiver is back. New batches always go first.'
        : NO_HISTORY,
    ),
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
