import { type Family, gauge } from './family.ts';
import type { Group } from './group.ts';
import { Snapshot } from './snapshot.ts';

/** Maximum numbers of series to push. */
export interface BudgetSettings {
  /** Of a group; no limit when unset. */
  readonly groups: Readonly<Partial<Record<Group, number | undefined>>>;
  /** Of any family; no limit when unset. */
  readonly family?: number | undefined;
  /** Of individual families, by name, instead of `family`. */
  readonly families: Readonly<Record<string, number>>;
}

/** A family and its series. */
interface FamilyCount {
  readonly family: string;
  readonly series: number;
}

/** A group in the last cycle. */
interface BudgetState {
  readonly group: Group;
  readonly limit?: number;
  /** Including those that were dropped. */
  readonly series: number;
  readonly dropped: readonly FamilyCount[];
}

const series = gauge('firesteel_budget_series', 'Series of the group, including those dropped.', ['group']);
const limit = gauge('firesteel_budget_limit_series', 'Maximum number of series that the group may push.', ['group']);
const dropped = gauge(
  'firesteel_budget_dropped_series',
  'Series of a family that is dropped as a whole because the group or the family exceeds its budget.',
  ['group', 'family'],
);

/** The families of {@link SeriesBudget.samples}. */
export const budgetFamilies = [series, limit, dropped];

/**
 * Keeps the number of series within a budget. Above it, whole families are dropped, the largest first. Half a family
 * would look like vanished devices or pods, while a missing family is noticed, and a series names it.
 */
export class SeriesBudget {
  readonly #settings: () => BudgetSettings;
  readonly #states = new Map<Group, BudgetState>();
  #last: Snapshot | undefined;

  /** `settings` is called each time, since a reload changes them. */
  constructor(settings: () => BudgetSettings) {
    this.#settings = settings;
  }

  /** All groups of the last cycle. */
  get states(): readonly BudgetState[] {
    return [...this.#states.values()];
  }

  /**
   * The names of the families to drop from a group that has `total` series. `count` returns the series of each family.
   */
  check(group: Group, total: number, count: () => ReadonlyMap<string, number>): ReadonlySet<string> {
    const settings = this.#settings();
    const most = settings.groups[group];
    // Nothing can exceed its limit then, and counting takes time.
    const harmless =
      total <= Math.min(most ?? Infinity, settings.family ?? Infinity, ...Object.values(settings.families));
    const over = harmless ? [] : overBudget(count(), most, settings);
    const state = { group, series: total, dropped: over };
    this.#states.set(group, most === undefined ? state : { ...state, limit: most });
    return new Set(over.map(({ family }) => family));
  }

  /** The result for each group in this cycle, as series. */
  samples(): Snapshot {
    const out = new Snapshot(this.#last);
    for (const state of this.#states.values()) {
      out.add(series, state.series, state.group);
      if (state.limit !== undefined) out.add(limit, state.limit, state.group);
      for (const { family, series } of state.dropped) out.add(dropped, series, state.group, family);
    }
    out.close();
    this.#last = out;
    return out;
  }
}

/** First the families over their own limit, then the largest ones until the group is within `most`. */
function overBudget(
  counts: ReadonlyMap<string, number>,
  most: number | undefined,
  settings: BudgetSettings,
): readonly FamilyCount[] {
  const bySize = [...counts].map(([family, series]) => ({ family, series })).sort((a, b) => b.series - a.series);
  const limitOf = (family: string) => settings.families[family] ?? settings.family ?? Infinity;
  const over = bySize.filter(({ family, series }) => series > limitOf(family));
  let left = bySize.reduce((sum, { series }) => sum + series, 0) - over.reduce((sum, { series }) => sum + series, 0);
  for (const one of bySize) {
    if (left <= (most ?? Infinity)) break;
    if (over.includes(one)) continue;
    over.push(one);
    left -= one.series;
  }
  return over;
}

/** How many series each family has in `snapshots`. */
export function seriesByFamily(snapshots: readonly Snapshot[]): Map<string, number> {
  const counts = new Map<Family, number>();
  for (const { series } of snapshots)
    for (const owner of series.owners) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  const byName = new Map<string, number>();
  for (const [{ name }, count] of counts) byName.set(name, (byName.get(name) ?? 0) + count);
  return byName;
}
