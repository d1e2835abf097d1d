import * as z from 'zod';
import { duration } from '../config/units.ts';

const settings = (textOf: (text: string) => string) =>
  z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe(
          textOf('Delete groups of nodes that have left the cluster. The leader of the state agents does this.'),
        ),
      grace: duration(1000, 30 * 86_400_000)
        .prefault('30m')
        .describe(textOf('Minimum time since the last push to a group before it is deleted.')),
      every: duration(1000, 86_400_000).prefault('5m').describe(textOf('Interval between checks.')),
      onStop: z
        .boolean()
        .default(false)
        .describe(
          textOf(
            "Delete this agent's own groups on a clean shutdown, for short-lived hosts without a cluster. A restart then leaves a gap.",
          ),
        ),
    })
    .prefault({});

/** Cleanup of gateway groups that are no longer pushed. */
export const janitorSettings = settings((text) => text).describe('Cleanup at a Pushgateway.');

/** The same settings for a receiver that stores no groups. */
export const ignoredJanitor = settings(() => 'Has no effect: only a Pushgateway stores groups.');
