import * as z from 'zod';
import { httpUrl } from '../config/http-url.ts';
import { duration } from '../config/units.ts';

/** Where the names behind cgroups come from, in the order in which they are worth considering. */
export const IDENTITY_SOURCES = ['state', 'apiserver', 'kubelet', 'none'] as const;

/** Options of the identity client. */
export const identityOptions = z
  .strictObject({
    source: z
      .enum(IDENTITY_SOURCES)
      .default('none')
      .describe(
        'Who knows the pods of this node: state, the state agents; apiserver, the API server, watched; kubelet, its /pods; none.',
      ),
    url: httpUrl('http://firesteel-state:9750')
      .optional()
      .describe('Of the state agents, or of the kubelet (https://127.0.0.1:10250 when unset).'),
    refresh: duration(1000, 3_600_000)
      .prefault('15s')
      .describe('How often to ask; an unknown container is asked for at once, but once a second at most.'),
    tokenFile: z
      .string()
      .min(1)
      .optional()
      .describe("Bearer token for the source; the pod's service account for the kubelet when unset."),
    caFile: z.string().min(1).optional().describe("Authorities that sign the source's certificate."),
    insecureSkipVerify: z
      .boolean()
      .default(false)
      .describe('Take any certificate: for kubelets, which sign their own. Anyone on the way can read the token.'),
    kubeconfig: z.string().min(1).optional().describe('For source apiserver outside of a pod.'),
  })
  .refine(({ source, url }) => source !== 'state' || url !== undefined, {
    error: 'the URL of the state agents is needed with source: state',
    path: ['url'],
  })
  .prefault({});

/** What {@link identityOptions} gives. */
export type IdentityOptions = z.output<typeof identityOptions>;
