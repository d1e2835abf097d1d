import type * as z from 'zod';
import type { KubeFamily, Resource } from '../src/collectors/ksm/resource.ts';
import type { Family } from '../src/metrics/family.ts';
import { GENERATED, optionsOf, familyRow as ownRow, table } from './metric-reference.ts';

/** The page on the ksm collector: its options, the families of each resource, and those about the collector, `own`. */
export function kubeStateReference(
  resources: readonly Resource[],
  options: z.ZodObject,
  own: readonly Family[],
): string {
  return [
    '# Kubernetes object metrics',
    GENERATED,
    'Metrics of the ksm collector about the objects of a cluster, with the names of kube-state-metrics. Each series ' +
      'begins with the labels that identify its object. Labels in parentheses are those that not every series has.',
    '## Options',
    'Below `collectors.ksm`.',
    table(['option', 'default', 'what'], optionsOf(options)),
    ...resources.map(resourceSection),
    '## Metrics about the collector',
    'As kube-state-metrics has them about itself; those of Firesteel are in [operations](../operations.md).',
    table(['metric', 'type', 'labels', 'help'], own.map(ownRow)),
    '',
  ].join('\n\n');
}

function resourceSection({ name, apiVersion, kind, enabled, identity, families }: Resource): string {
  const watched = enabled ? 'watched by default' : 'watched if listed in `resources`';
  return [
    `## ${name}`,
    `\`${apiVersion}\` ${kind}, ${watched}; each series has ${identity.labels.map((label) => `\`${label}\``).join(', ')}.`,
    table(['metric', 'type', 'further labels', 'stability', 'help'], families.map(familyRow)),
  ].join('\n\n');
}

function familyRow({ family, stability, optIn, allowlisted, extraLabels = [] }: KubeFamily): string[] {
  const some = extraLabels.map((label) => (label.includes('*') ? label : `(${label})`));
  const further =
    [...family.labels, ...some].join(', ') + (allowlisted === undefined ? '' : ` by ${allowlisted}Allowlist`);
  const promise = optIn === true ? `${stability}, opt-in` : stability;
  return [`\`${family.name}\``, family.type, further, promise, family.help];
}
