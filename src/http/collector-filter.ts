import type { CollectorFilter } from '../metrics/registry.ts';

/** An invalid query; its message is the response. */
export class BadSelection extends Error {}

/** A query with more is considered an error. */
const MAX_NAMES = 200;

/**
 * The collectors that a query selects with `collect[]` or excludes with `exclude[]`, as in node_exporter; undefined for
 * all. A name may be prefixed with its group, `node.cpu`. Throws BadSelection.
 */
export function filterOf(query: URLSearchParams, known: readonly (readonly [group: string, name: string])[]) {
  const collect = query.getAll('collect[]');
  const exclude = query.getAll('exclude[]');
  if (collect.length > 0 && exclude.length > 0)
    throw new BadSelection('collect[] and exclude[] are mutually exclusive');
  const names = [...collect, ...exclude];
  if (names.length === 0) return undefined;
  if (names.length > MAX_NAMES) throw new BadSelection(`more than ${MAX_NAMES} collectors`);
  const called = new Set(known.flatMap(([group, name]) => [name, `${group}.${name}`]));
  const unknown = names.find((name) => !called.has(name));
  if (unknown !== undefined) throw new BadSelection(`no collector ${JSON.stringify(unknown.slice(0, 80))} is enabled`);
  const chosen = new Set(names);
  const wanted: CollectorFilter = (group, name) =>
    (chosen.has(name) || chosen.has(`${group}.${name}`)) === collect.length > 0;
  return wanted;
}
