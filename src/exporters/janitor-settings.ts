import * as z from 'zod';
import { duration } from '../config/units.ts';

/** Cleanup of gateway groups that are no longer pushed. */
export const janitorSettings = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Delete groups of nodes that have left the cluster. The leader of the state agents does this.'),
    grace: duration(1000, 30 * 86_400_000)
      .prefault('30m')
      .describe('Minimum time since the last push to a group before it is deleted.'),
    every: duration(1000, 86_400_000).prefault('5m').describe('Interval between checks.'),
    onStop: z
      .boolean()
      .default(false)
      .describe(
        "Delete this agent's own groups on a clean shutdown, for short-lived hosts without a cluster. A restart then leaves a gap.",
      ),
  })
  .prefault({})
  .describe('Cleanup at a Pushgateway.');
