import * as z from 'zod';
import { duration } from '../../config/units.ts';

/** How groups are cleaned up that nobody pushes any more. */
export const janitorSettings = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Delete groups of nodes that have left the cluster; the master of the state agents does it.'),
    grace: duration(1000, 30 * 86_400_000)
      .prefault('30m')
      .describe('How long nothing must have been pushed to them.'),
    every: duration(1000, 86_400_000).prefault('5m').describe('How often to look.'),
    onStop: z
      .boolean()
      .default(false)
      .describe(
        "Delete this agent's own groups when it stops in order, for hosts that come and go without a cluster; a restart leaves a gap then.",
      ),
  })
  .prefault({})
  .describe('Cleaning up at a pushgateway.');
