import * as z from 'zod';
import { duration } from './units.ts';

/** Which of several state agents pushes. */
export const electionSection = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Elect one of several state agents; otherwise each of them pushes.'),
    namespace: z
      .string()
      .min(1)
      .optional()
      .describe('Namespace of the Lease; POD_NAMESPACE, else default, when unset.'),
    lease: z.string().min(1).default('firesteel').describe('Name of the Lease.'),
    leaseDuration: duration(3000, 300_000)
      .prefault('15s')
      .describe('Time without renewal after which another candidate may take the Lease.'),
    renewDeadline: duration(2000, 300_000)
      .prefault('10s')
      .describe('Time without renewal after which the leader stops pushing.'),
    retryPeriod: duration(500, 60_000)
      .prefault('2s')
      .describe('Longest pause between two attempts to acquire or renew the Lease.'),
    peers: z
      .array(z.string().regex(/^(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9.-]+):\d{1,5}$/, 'expected HOST:PORT'))
      .default([])
      .describe(
        'http.listen of all state agents that share the Lease, as HOST:PORT; a name covers all of its addresses. With these, the agents agree on a leader while the API server is down, and notice immediately when a leader exits.',
      ),
  })
  .refine(({ leaseDuration, renewDeadline }) => renewDeadline < leaseDuration, {
    error: 'must be less than leaseDuration',
    path: ['renewDeadline'],
  })
  .refine(({ renewDeadline, retryPeriod }) => retryPeriod < renewDeadline, {
    error: 'must be less than renewDeadline',
    path: ['retryPeriod'],
  })
  .prefault({});
