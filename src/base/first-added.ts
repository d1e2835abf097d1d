/** Deletes the entry that was added first to a map or set, if it has more than `most`. */
export function dropFirstAdded<Key>(entries: Map<Key, unknown> | Set<Key>, most: number): void {
  if (entries.size <= most) return;
  for (const key of entries.keys()) {
    entries.delete(key);
    return;
  }
}
