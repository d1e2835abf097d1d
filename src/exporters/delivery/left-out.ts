import type { Group } from '../../metrics/group.ts';
import type { LeftOut } from '../exporter.ts';
import type { FilterCache } from './body-families.ts';

/** Whoever pushed another type may have stopped, or its group been deleted. */
const RETRY_MS = 3_600_000;

/** The families that are left out of what goes to one receiver, so that one costs no group; each for an hour. */
export class LeftOutFamilies {
  readonly #now: () => number;
  readonly #byGroup = new Map<Group, Map<string, LeftOut>>();
  readonly #caches = new Map<Group, { readonly key: string; readonly cache: FilterCache }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** All of them. */
  get all(): readonly LeftOut[] {
    return [...this.#byGroup.values()].flatMap((families) => [...families.values()]);
  }

  /** Those that are left out of a group now; undefined when there are none. */
  of(group: Group): ReadonlySet<string> | undefined {
    const families = this.#byGroup.get(group);
    if (families === undefined) return undefined;
    const now = this.#now();
    const names = [...families.values()].filter(({ retryMs }) => retryMs > now).map(({ family }) => family);
    return names.length === 0 ? undefined : new Set(names);
  }

  /** Those whose hour is over: the next push has them again, and they are the first to be suspected. */
  onTrial(group: Group): readonly string[] {
    const now = this.#now();
    const families = [...(this.#byGroup.get(group)?.values() ?? [])];
    return families.filter(({ retryMs }) => retryMs <= now).map(({ family }) => family);
  }

  add(group: Group, family: string, reason: string): void {
    const families = this.#byGroup.get(group) ?? new Map<string, LeftOut>();
    this.#byGroup.set(group, families);
    const now = this.#now();
    const sinceMs = families.get(family)?.sinceMs ?? now;
    families.set(family, { group, family, sinceMs, retryMs: now + RETRY_MS, reason });
  }

  /** The receiver took a push of the group: those on trial are in it. Returns them. */
  taken(group: Group): readonly string[] {
    const free = this.onTrial(group);
    const families = this.#byGroup.get(group);
    for (const family of free) families?.delete(family);
    if (families?.size === 0) this.#byGroup.delete(group);
    return free;
  }

  /** What has been filtered of a group, as long as the same families are left out. */
  cacheOf(group: Group, families: ReadonlySet<string>): FilterCache {
    const key = [...families].sort().join();
    const known = this.#caches.get(group);
    if (known?.key === key) return known.cache;
    const cache: FilterCache = new WeakMap();
    this.#caches.set(group, { key, cache });
    return cache;
  }
}
