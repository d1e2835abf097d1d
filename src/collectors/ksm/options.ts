import * as z from 'zod';
import { errorText } from '../../base/error-text.ts';
import { allowlistKeyError } from './allowlist.ts';
import { metricPattern } from './family-filter.ts';
import { resources } from './resources/index.ts';

const NAMES = resources.map(({ name }) => name);
const DEFAULTS = resources.filter(({ enabled }) => enabled).map(({ name }) => name);

/** Runs a check that throws or gives a message as part of the schema. */
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

/** Items with commas are lists themselves, as in kube-state-metrics' flags; a comma inside brackets is a pattern's. */
const splitItems = (items: readonly string[]): string[] =>
  items
    .flatMap((item) => item.split(/,(?![^{}()[\]]*[})\]])/))
    .map((part) => part.trim())
    .filter((part) => part !== '');

const listOf = (item: z.ZodString) => z.array(item).overwrite(splitItems);

const names = (what: string) => listOf(z.string().min(1)).default([]).describe(what);

const patterns = (what: string) =>
  listOf(checked((source) => metricPattern(source)))
    .default([])
    .describe(what);

const allowlist = (what: string) =>
  z
    .partialRecord(z.enum(['*', ...NAMES]), listOf(checked(allowlistKeyError)))
    .default({})
    .describe(what);

/** Options of the ksm collector; each means what kube-state-metrics' flag of that name means. */
export const ksmOptions = z
  .strictObject({
    resources: z
      .array(z.enum(NAMES))
      .default(DEFAULTS)
      .describe('Resources to watch; secrets (as a whole, for their type) and configmaps only when named here.'),
    namespaces: names('Tell only of objects in these namespaces; of all when empty.'),
    namespacesDenylist: names('Namespaces whose objects are left out; wins over namespaces.'),
    metricAllowlist: patterns(
      'Tell only families that one of these regular expressions matches, anywhere in the name.',
    ),
    metricDenylist: patterns(
      'Leave out families that one of these regular expressions matches; not with metricAllowlist.',
    ),
    metricOptInList: patterns('Opt-in families to tell, as regular expressions.'),
    labelsAllowlist: allowlist(
      'Labels to tell in kube_*_labels, by resource: pods: [app, example.com/*]; [*] for all.',
    ),
    annotationsAllowlist: allowlist('Annotations to tell in kube_*_annotations, by resource, like labelsAllowlist.'),
    shard: z.int().min(0).default(0).describe('The part of the objects that this agent exposes, from 0.'),
    totalShards: z
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe('Into how many parts the objects are split by their uid.'),
    node: z.string().min(1).optional().describe('Tell only of the pods on this node.'),
    trackUnscheduledPods: z
      .boolean()
      .default(false)
      .describe('Only the pods that are on no node yet, beside agents that report a node each; not with node.'),
    customResourceStateFile: z
      .string()
      .min(1)
      .optional()
      .describe("File with kube-state-metrics' CustomResourceStateMetrics, for families about custom resources."),
  })
  .refine(({ metricAllowlist, metricDenylist }) => metricAllowlist.length === 0 || metricDenylist.length === 0, {
    error: 'metricAllowlist and metricDenylist exclude each other',
  })
  .refine(({ node, trackUnscheduledPods }) => node === undefined || !trackUnscheduledPods, {
    error: 'node and trackUnscheduledPods exclude each other',
    path: ['trackUnscheduledPods'],
  })
  .refine(({ shard, totalShards }) => shard < totalShards, {
    error: 'shard counts from 0 and must be less than totalShards',
    path: ['shard'],
  });

/** What {@link ksmOptions} gives. */
export type KsmOptions = z.output<typeof ksmOptions>;

/** Whether objects of a namespace are told of; those without one (`''`) always are. */
export function namespaceFilter({
  namespaces,
  namespacesDenylist,
}: Pick<KsmOptions, 'namespaces' | 'namespacesDenylist'>): (namespace: string) => boolean {
  const allowed = new Set(namespaces);
  const denied = new Set(namespacesDenylist);
  return (namespace) => namespace === '' || ((allowed.size === 0 || allowed.has(namespace)) && !denied.has(namespace));
}
