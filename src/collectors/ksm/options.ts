import * as z from 'zod';
import { errorText } from '../../base/error-text.ts';
import { listOf } from '../../config/list-of.ts';
import { allowlistKeyError } from './allowlist.ts';
import { metricPattern } from './family-filter.ts';
import { resources } from './resources/index.ts';

const NAMES = resources.map(({ name }) => name);
const DEFAULTS = resources.filter(({ enabled }) => enabled).map(({ name }) => name);

/** Runs a check that throws or returns a message as part of the schema. */
const checked = (check: (text: string) => unknown) =>
  z.string().superRefine((text, context) => {
    const message = messageOf(() => check(text));
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });

function messageOf(check: () => unknown): string | undefined {
  try {
    const message = check();
    return typeof message === 'string' ? message : undefined;
  } catch (cause) {
    return errorText(cause);
  }
}

const names = (what: string) => listOf().default([]).describe(what);

const patterns = (what: string) =>
  listOf(checked((source) => metricPattern(source)))
    .default([])
    .describe(what);

const allowlist = (what: string) =>
  z
    .partialRecord(z.enum(['*', ...NAMES]), listOf(checked(allowlistKeyError)))
    .default({})
    .describe(what);

/** Options of the ksm collector; each has the meaning of the kube-state-metrics flag of the same name. */
export const ksmOptions = z
  .strictObject({
    resources: z
      .array(z.enum(NAMES))
      .default(DEFAULTS)
      .describe(
        'Resources to watch. Others only when listed here, such as secrets (full objects, for their type) and configmaps.',
      ),
    namespaces: names('Only report objects in these namespaces; all namespaces when empty.'),
    namespacesDenylist: names('Exclude objects in these namespaces; takes precedence over namespaces.'),
    metricAllowlist: patterns(
      'Only expose metric families whose name matches one of these regular expressions (unanchored).',
    ),
    metricDenylist: patterns(
      'Exclude metric families whose name matches one of these regular expressions; not with metricAllowlist.',
    ),
    metricOptInList: patterns('Opt-in metric families to expose, as regular expressions.'),
    labelsAllowlist: allowlist(
      'Labels to expose in kube_*_labels, by resource: pods: [app, example.com/*]; [*] for all.',
    ),
    annotationsAllowlist: allowlist('Annotations to expose in kube_*_annotations, by resource, like labelsAllowlist.'),
    shard: z.int().min(0).default(0).describe('The shard of objects that this agent exposes, starting at 0.'),
    totalShards: z
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe('Number of shards into which objects are split by uid; all objects of a custom resource are in one.'),
    node: z.string().min(1).optional().describe('Only report pods on this node.'),
    trackUnscheduledPods: z
      .boolean()
      .default(false)
      .describe(
        'Only report pods not yet scheduled to a node, to complement agents that report one node each; not with node.',
      ),
    customResourceStateFile: z
      .string()
      .min(1)
      .optional()
      .describe("File with kube-state-metrics' CustomResourceStateMetrics, for metric families of custom resources."),
  })
  .refine(({ metricAllowlist, metricDenylist }) => metricAllowlist.length === 0 || metricDenylist.length === 0, {
    error: 'metricAllowlist and metricDenylist are mutually exclusive',
  })
  .refine(({ node, trackUnscheduledPods }) => node === undefined || !trackUnscheduledPods, {
    error: 'node and trackUnscheduledPods are mutually exclusive',
    path: ['trackUnscheduledPods'],
  })
  .refine(({ shard, totalShards }) => shard < totalShards, {
    error: 'shard starts at 0 and must be less than totalShards',
    path: ['shard'],
  });

/** The parsed {@link ksmOptions}. */
export type KsmOptions = z.output<typeof ksmOptions>;

/** Whether objects of a namespace are reported; those without one (`''`) always are. */
export function namespaceFilter({
  namespaces,
  namespacesDenylist,
}: Pick<KsmOptions, 'namespaces' | 'namespacesDenylist'>): (namespace: string) => boolean {
  const allowed = new Set(namespaces);
  const denied = new Set(namespacesDenylist);
  return (namespace) => namespace === '' || ((allowed.size === 0 || allowed.has(namespace)) && !denied.has(namespace));
}
