import * as z from 'zod';
import { httpUrl } from '../config/http-url.ts';
import { duration } from '../config/units.ts';

/** Sources of pod names, in the recommended order. */
const IDENTITY_SOURCES = ['state', 'apiserver', 'kubelet', 'none'] as const;

/** Options of the identity client. */
export const identityOptions = z
  .strictObject({
    source: z
      .enum(IDENTITY_SOURCES)
      .default('none')
      .describe(
        'Source of the pods of this node: state, the state agents; apiserver, a watch on the API server; kubelet, its /pods endpoint; none.',
      ),
    url: httpUrl('http://firesteel-state:9750')
      .optional()
      .describe('URL of the state agents, or of the kubelet (default https://127.0.0.1:10250).'),
    refresh: duration(1000, 3_600_000)
      .prefault('15s')
      .describe('Poll interval; an unknown container triggers an immediate request, at most once a second.'),
    tokenFile: z
      .string()
      .min(1)
      .optional()
      .describe(
        "File with the bearer token for the source; for the kubelet, that of the pod's service account when unset.",
      ),
    caFile: z.string().min(1).optional().describe("CA bundle that verifies the source's certificate."),
    insecureSkipVerify: z
      .boolean()
      .default(false)
      .describe(
        'Skip certificate verification, for kubelets with self-signed certificates. Allows a man in the middle to read the token.',
      ),
    kubeconfig: z.string().min(1).optional().describe('Kubeconfig for source apiserver outside of a pod.'),
  })
  .refine(({ source, url }) => source !== 'state' || url !== undefined, {
    error: 'source: state requires the URL of the state agents',
    path: ['url'],
  })
  .prefault({});

/** Parsed {@link identityOptions}. */
export type IdentityOptions = z.output<typeof identityOptions>;
