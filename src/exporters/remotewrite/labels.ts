import type { Target } from '../../config/identity.ts';
import { parseLine } from '../../metrics/text/parse.ts';

export type Label = readonly [name: string, value: string];

export const NAME_LABEL = '__name__';

/** The labels that a target adds to all of its series. */
export const targetLabels = ({ job, instance, labels }: Target): readonly Label[] => [
  ...(job === undefined ? [] : [['job', job] as const]),
  ...(instance === undefined ? [] : [['instance', instance] as const]),
  ...Object.entries(labels),
];

/**
 * The labels of a series with the label block `{…}` in `block` and those of its target, which take precedence. In two
 * parts: those before its name and those after it. Sorted by name, as receivers expect. A label with an empty value is
 * omitted. Throws TextFormatError for a block that can't be parsed.
 */
export function sortedLabels(block: string, target: readonly Label[]): readonly [before: Label[], after: Label[]] {
  const all = new Map<string, string>();
  if (block !== '') {
    const line = parseLine(`x${block} 0`);
    if (line?.kind === 'sample') for (const [name, value] of line.labels) all.set(name, value);
  }
  for (const [name, value] of target) all.set(name, value);
  const sorted = [...all].filter(([, value]) => value !== '').sort(([one], [other]) => (one < other ? -1 : 1));
  return [sorted.filter(([name]) => name < NAME_LABEL), sorted.filter(([name]) => name > NAME_LABEL)];
}

/** Name and label block of a series key `name{…}`. */
export function splitKey(key: string): readonly [name: string, block: string] {
  const brace = key.indexOf('{');
  return brace === -1 ? [key, ''] : [key.slice(0, brace), key.slice(brace)];
}
