import type { LeftOutView } from '../../http/status-view.ts';
import type { Group } from '../../metrics/group.ts';
import type { FilterCache } from './batch-families.ts';

/** The client that pushed another type may have stopped, or its gateway group may have been deleted. */
const RETRY_MS = 3_600_000;

/**
 * The families omitted from the batches for one receiver, so that one bad family does not block its group. Each is
 * omitted for an hour.
 */
export class LeftOutFamilies {
  readonly #now: () => number;
  readonly #byGroup = new Map<Group, Map<string, LeftOutView>>();
  readonly #caches = new Map<Group, { readonly key: string; readonly cache: FilterCache }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** All omitted families, of all groups. */
  get all(): readonly LeftOutView[] {
    return [...this.#byGroup.values()].flatMap((families) => [...families.values()]);
  }

  /** Families currently omitted from a group; undefined when there are none. */
  of(group: Group): ReadonlySet<string> | undefined {
    const families = this.#byGroup.get(group);
    if (families === undefined) return undefined;
    const now = this.#now();
    const names = [...families.values()].filter(({ retryMs }) => retryMs > now).map(({ family }) => family);
    return names.length === 0 ? undefined : new Set(names);
  }

  /** Families whose hour is over. The next push includes them again, and they are checked first if it is rejected. */
  onTrial(group: Group): readonly string[] {
    const now = this.#now();
    const families = [...(this.#byGroup.get(group)?.values() ?? [])];
    return families.filter(({ retryMs }) => retryMs <= now).map(({ family }) => family);
  }

  add(group: Group, family: string, reason: string): void {
    const families = this.#byGroup.get(group) ?? new Map<string, LeftOutView>();
    this.#byGroup.set(group, families);
    const now = this.#now();
    const sinceMs = families.get(family)?.sinceMs ?? now;
    families.set(family, { group, family, sinceMs, retryMs: now + RETRY_MS, reason });
  }

  /** The receiver accepted a push of the group, including the families that were due for a retry. Returns them. */
  accepted(group: Group): readonly string[] {
    const free = this.onTrial(group);
    const families = this.#byGroup.get(group);
    for (const family of free) families?.delete(family);
    if (families?.size === 0) this.#byGroup.delete(group);
    return free;
  }

  /** Cache of filtered members of a group, valid as long as the same families are omitted. */
  cacheOf(group: Group, families: ReadonlySet<string>): FilterCache {
    const key = [...families].sort().join();
    const known = this.#caches.get(group);
    if (known?.key === key) return known.cache;
    const cache: FilterCache = new WeakMap();
    this.#caches.set(group, { key, cache });
    return cache;
  }
}
