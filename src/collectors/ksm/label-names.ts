import type { TextMap } from './resource.ts';

/** `name` with every character that is invalid in a label name replaced by `_`. */
export const sanitise = (name: string): string => name.replace(/[^a-zA-Z0-9_]/g, '_');

/**
 * The entries of `map`, sorted by key, as pairs of label name and value for `emit`: `app.kubernetes.io/partOf` becomes
 * `label_app_kubernetes_io_part_of`. Keys that map to the same name get `_conflict1`, `_conflict2` and so on. Throws a
 * TypeError when the value is not a map.
 */
export function mapLabels(prefix: string, map: TextMap): string[] {
  if (!map) return [];
  if (typeof map !== 'object' || Array.isArray(map)) throw new TypeError(`expected a map, got ${typeof map}`);
  const keys = Object.keys(map).sort();
  const names = distinct(keys.map((key) => labelName(prefix, key)));
  return keys.flatMap((key, index) => [names[index] ?? '', map[key] ?? '']);
}

/** Names are needed far more often than new ones appear, but users choose them: a full cache is cleared. */
const cache = new Map<string, string>();
const CACHE_LIMIT = 10_000;

function labelName(prefix: string, key: string): string {
  const id = `${prefix} ${key}`;
  const known = cache.get(id);
  if (known !== undefined) return known;
  const name = `${prefix}_${sanitise(key)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()}`;
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(id, name);
  return name;
}

/**
 * `names` with duplicates numbered, including the first. A numbered name that is already used by another key is
 * skipped: receivers reject a series that has a label twice.
 */
function distinct(names: readonly string[]): readonly string[] {
  const taken = new Set(names);
  if (taken.size === names.length) return names;
  const shared = new Map<string, number>();
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) shared.set(name, 0);
    seen.add(name);
  }
  return names.map((name) => {
    let count = shared.get(name);
    if (count === undefined) return name;
    let numbered: string;
    do numbered = `${name}_conflict${++count}`;
    while (taken.has(numbered));
    shared.set(name, count);
    taken.add(numbered);
    return numbered;
  });
}
