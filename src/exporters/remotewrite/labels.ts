import { byName } from '../../base/by-name.ts';
import { labelsOfTarget, type Target } from '../../config/identity.ts';
import type { Label } from '../../metrics/label-limits.ts';
import { parseLine } from '../../metrics/text/parse.ts';

export const NAME_LABEL = '__name__';

/** The labels that a target adds to all of its series. */
export const targetLabels = (target: Target): readonly Label[] => Object.entries(labelsOfTarget(target));

/**
 * The labels of a series with the label block `{…}` in `block` and those of its target, which take precedence. In two
 * parts: those before its name and those after it. Sorted by name, as receivers expect. A label with an empty value is
 * omitted. Throws TextFormatError for a block that can't be parsed.
 */
export function sortedLabels(block: string, target: readonly Label[]): readonly [before: Label[], after: Label[]] {
  const own = plainLabels(block) ?? parsedLabels(block);
  const isOwn = ([name, value]: Label) => value !== '' && !target.some(([other]) => other === name);
  const all = [...own.filter(isOwn), ...target.filter(([, value]) => value !== '')];
  all.sort(byName);
  return [all.filter(([name]) => name < NAME_LABEL), all.filter(([name]) => name > NAME_LABEL)];
}

/** The labels of a block without escapes, as this agent writes most of them. Undefined for any other block. */
function plainLabels(block: string): Label[] | undefined {
  if (block.includes('\\')) return undefined;
  const labels: Label[] = [];
  for (let at = 1; at < block.length - 1; ) {
    const equals = block.indexOf('="', at);
    const end = equals === -1 ? -1 : block.indexOf('"', equals + 2);
    const name = block.slice(at, equals);
    if (end === -1 || !PLAIN_NAME.test(name) || labels.some(([other]) => other === name)) return undefined;
    labels.push([name, block.slice(equals + 2, end)]);
    const next = block[end + 1];
    if (next !== ',' && !(next === '}' && end + 2 === block.length)) return undefined;
    at = end + 2;
  }
  return labels;
}

const PLAIN_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

function parsedLabels(block: string): readonly Label[] {
  const line = parseLine(`x${block} 0`);
  return line?.kind === 'sample' ? [...line.labels] : [];
}

/** Name and label block of a series key `name{…}`. */
export function splitKey(key: string): readonly [name: string, block: string] {
  const brace = key.indexOf('{');
  return brace === -1 ? [key, ''] : [key.slice(0, brace), key.slice(brace)];
}
