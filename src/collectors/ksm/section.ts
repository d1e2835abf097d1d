import * as z from 'zod';
import { ksmOptions } from './options.ts';

/** The section `collectors.ksm` of the configuration. */
export const ksmSection = ksmOptions
  .safeExtend({
    enabled: z.boolean().default(false).describe('Whether this agent follows the state of the cluster.'),
    kubeconfig: z
      .string()
      .min(1)
      .optional()
      .describe("File that names the cluster; $KUBECONFIG, the pod's service account, ~/.kube/config when unset."),
    context: z.string().min(1).optional().describe('Context of the kubeconfig; its current one when unset.'),
    pod: z
      .string()
      .min(1)
      .optional()
      .describe(
        'This pod, of a StatefulSet: its ordinal becomes shard, the replicas become totalShards; with podNamespace.',
      ),
    podNamespace: z.string().min(1).optional().describe('Namespace of pod.'),
    podInfo: z
      .strictObject({
        labels: z
          .array(z.string().min(1))
          .default([])
          .describe(
            'Labels of pods that node agents get, beside those of labelsAllowlist: names, `app.*`, or `*` for all.',
          ),
        annotations: z
          .array(z.string().min(1))
          .default(['prometheus.io/*'])
          .describe('Annotations of pods that node agents get, like labels.'),
      })
      .prefault({})
      .describe('What node agents get to know of their pods beside names, containers, ports and addresses.'),
  })
  .refine(({ pod, podNamespace }) => (pod === undefined) === (podNamespace === undefined), {
    error: 'pod and podNamespace go together',
    path: ['podNamespace'],
  })
  .refine(({ pod, shard, totalShards }) => pod === undefined || (shard === 0 && totalShards === 1), {
    error: 'pod decides about shard and totalShards: leave them out',
    path: ['pod'],
  })
  .prefault({});

/** What {@link ksmSection} gives. */
export type KsmSection = z.output<typeof ksmSection>;
