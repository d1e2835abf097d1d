/**
 * Paths of keys named `__proto__` in a parsed configuration. Copying such a mapping would set its prototype instead of
 * the key, so that everything below it would vanish silently.
 */
export function reservedKeys(
  value: unknown,
  path: readonly PropertyKey[] = [],
  // With YAML aliases, a mapping may occur in several places, even in itself.
  seen = new Set<unknown>(),
): PropertyKey[][] {
  if (typeof value !== 'object' || value === null || seen.has(value)) return [];
  seen.add(value);
  return Object.entries(value).flatMap(([key, item]) => {
    const at = [...path, Array.isArray(value) ? Number(key) : key];
    return key === '__proto__' ? [at] : reservedKeys(item, at, seen);
  });
}
