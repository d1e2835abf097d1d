import * as z from 'zod';
import { listOf } from '../../config/list-of.ts';
import { ksmOptions } from './options.ts';

/** The section `collectors.ksm` of the configuration. */
export const ksmSection = ksmOptions
  .safeExtend({
    enabled: z
      .boolean()
      .default(false)
      .describe('Whether this agent collects the state of the cluster (kube-state-metrics).'),
    kubeconfig: z
      .string()
      .min(1)
      .optional()
      .describe("Path of the kubeconfig file. When unset: $KUBECONFIG, the pod's service account, or ~/.kube/config."),
    context: z.string().min(1).optional().describe('Context of the kubeconfig; its current context when unset.'),
    pod: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Name of this pod in a StatefulSet: its ordinal becomes shard, the number of replicas totalShards. Requires podNamespace.',
      ),
    podNamespace: z.string().min(1).optional().describe('Namespace of the pod.'),
    podInfo: z
      .strictObject({
        labels: listOf()
          .default([])
          .describe(
            'Pod labels to send to node agents, in addition to labelsAllowlist: names, `app.*`, or `*` for all.',
          ),
        annotations: listOf()
          .default(['prometheus.io/*'])
          .describe('Pod annotations to send to node agents; same patterns as labels.'),
      })
      .prefault({})
      .describe('Pod metadata to send to node agents, in addition to names, containers, ports and addresses.'),
  })
  .refine(({ pod, podNamespace }) => (pod === undefined) === (podNamespace === undefined), {
    error: 'pod and podNamespace must be set together',
    path: ['podNamespace'],
  })
  .refine(({ pod, shard, totalShards }) => pod === undefined || (shard === 0 && totalShards === 1), {
    error: 'pod sets shard and totalShards: do not set them as well',
    path: ['pod'],
  })
  .prefault({});

/** The parsed {@link ksmSection}. */
export type KsmSection = z.output<typeof ksmSection>;
