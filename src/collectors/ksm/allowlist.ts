import type { Allowed } from './resource.ts';

/** Keys of labels or annotations to expose, by resource; `*` applies to all resources. */
export type Allowlist = Readonly<Partial<Record<string, readonly string[]>>>;

/**
 * The picker for one resource; undefined when the list allows nothing for it. `*` as the first key allows everything
 * and has no meaning in other positions. One `*` inside a key stands for any characters, as in kube-state-metrics.
 */
export function allowedOf(allowlist: Allowlist, resource: string): Allowed | undefined {
  const keys = [...(own(allowlist, resource) ?? []), ...(resource === '*' ? [] : (own(allowlist, '*') ?? []))];
  if (keys.length === 0) return undefined;
  if (keys[0] === '*' || own(allowlist, '*')?.[0] === '*') return (map) => map;
  const exact = new Set(keys.filter((key) => !key.includes('*')));
  const affixes = keys
    .filter((key) => key !== '*' && key.includes('*'))
    .map((key): [string, string] => {
      const [start = '', end = ''] = key.split('*');
      return [start, end];
    });
  return (map) => {
    if (!map) return undefined;
    return Object.fromEntries(
      Object.entries(map).filter(([key]) => exact.has(key) || affixes.some((affix) => isBetween(key, affix))),
    );
  };
}

const own = (allowlist: Allowlist, resource: string): readonly string[] | undefined =>
  Object.hasOwn(allowlist, resource) ? allowlist[resource] : undefined;

const isBetween = (key: string, [start, end]: readonly [string, string]): boolean =>
  key.length >= start.length + end.length && key.startsWith(start) && key.endsWith(end);

/** The problem with a key of an allowlist; undefined when it is valid. */
export function allowlistKeyError(key: string): string | undefined {
  if (key === '') return 'a key must not be empty';
  return key.split('*').length > 2 ? `${JSON.stringify(key)} has more than one *` : undefined;
}

/**
 * Parses kube-state-metrics' flag grammar `pods=[a,b],nodes=[*]`, optionally with the leading `=` of its examples.
 * Throws an Error that shows where parsing failed.
 */
export function parseAllowlist(text: string): Allowlist {
  const entry = /\s*=?\s*([a-z*]+)\s*=\s*\[([^[\]]*)\]\s*(?:,|$)/y;
  const allowlist: Record<string, string[]> = {};
  for (let at = 0; at < text.length; at = entry.lastIndex) {
    entry.lastIndex = at;
    const match = entry.exec(text);
    if (!match) {
      throw new Error(`expected <resource>=[<key>,...] at ${JSON.stringify(text.slice(at, at + 60))}`);
    }
    const [, resource = '', list = ''] = match;
    const keys = list.split(',').map((key) => key.trim());
    for (const key of keys) {
      const error = allowlistKeyError(key);
      if (error) throw new Error(`${resource}: ${error}`);
    }
    allowlist[resource] = [...(allowlist[resource] ?? []), ...keys];
  }
  return allowlist;
}
