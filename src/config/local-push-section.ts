import * as z from 'zod';
import { bytes, duration, filePath } from './units.ts';

/** Pushes of programs on this node. */
export const localPushSection = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Whether programs may push series to this agent.'),
    tokenFile: filePath(
      'File with the bearer token for pushes to http.listen; when unset, they are refused there.',
    ).optional(),
    socket: filePath('Unix socket that accepts pushes without a token; its mode is 0660.').optional(),
    ttl: duration(1000, 86_400_000).prefault('5m').describe('How long a push stays valid, unless it sets ?ttl=.'),
    limits: z
      .strictObject({
        body: bytes(1).prefault('1MiB').describe('Maximum size of a push, after decompression.'),
        series: z.int().min(1).default(10_000).describe('Maximum number of series of a job.'),
        jobs: z.int().min(1).default(100).describe('Maximum number of jobs.'),
        pushesPerMinute: z.int().min(1).default(1000).describe('Maximum number of pushes per minute.'),
      })
      .prefault({}),
  })
  .refine(({ enabled, tokenFile, socket }) => !enabled || tokenFile !== undefined || socket !== undefined, {
    error: 'needs a tokenFile for pushes to http.listen, or a socket',
  })
  .prefault({})
  .describe('Series that programs on this node push to the agent, as to a Pushgateway, but with an expiry.');
