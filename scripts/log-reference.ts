import type * as z from 'zod';
import type { Family } from '../src/metrics/family.ts';
import { familyRow, GENERATED, optionsOf, table } from './metric-reference.ts';

/** The page on the collectors of the group `log`, by name. */
export function logReference(
  collectors: Readonly<Record<string, { readonly families: readonly Family[]; readonly options: z.ZodObject }>>,
): string {
  const sections = Object.entries(collectors).flatMap(([name, { families, options }]) => [
    `## ${name}`,
    `Options below \`collectors.${name}\`; \`enabled: true\` enables it.`,
    table(['option', 'default', 'what'], optionsOf(options)),
    table(['metric', 'type', 'labels', 'help'], families.map(familyRow)),
  ]);
  return [
    '# Journal, kernel, log and SNMP trap metrics',
    GENERATED,
    'The group `log`: events of the host as counters. All of its collectors are off by default. [Usage](../logs.md).',
    ...sections,
    '',
  ].join('\n\n');
}
