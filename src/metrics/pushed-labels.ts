import type { Family } from './family.ts';
import { harmlessLength, type Label, type LabelLimits, overLimit } from './label-limits.ts';
import { type ReadonlySeries, SeriesList, type Snapshot } from './snapshot.ts';
import { seriesId, shownSeries } from './text/format.ts';
import { parseLine } from './text/parse.ts';

/** Label handling of a push for one group. */
export interface PushedLabelOptions {
  /** Labels that the push sets on every series: job, instance, cluster and the configured ones. */
  readonly names: ReadonlySet<string>;
  /** Label limits of the receivers; undefined when none has limits. */
  readonly limits?: LabelLimits | undefined;
}

/** A snapshot as the receivers will see it. */
export interface SeenSnapshot {
  readonly snapshot: Snapshot;
  /** Series with a renamed label. */
  readonly renamed: number;
  /** Series that exceed the limits. They are pushed nevertheless: a receiver may be configured with other limits. */
  readonly overLimit: number;
}

/** The changes to a list of series. */
interface Plan {
  readonly series: SeriesList | undefined;
  /** Positions of the values of `series`. */
  readonly places: readonly number[];
  readonly errors: readonly Error[];
  readonly renamed: number;
  readonly overLimit: number;
}

const PREFIX = 'exported_';

/** Number of series over the limits that are named. The rest are only counted. */
const MAX_NAMED = 5;
/** No UTF-16 unit takes more as UTF-8. */
const MAX_BYTES = 3;

/**
 * Checks series against the labels that the push sets. A label that the push would overwrite is renamed to
 * `exported_…`, like in a scrape without honor_labels. A series that then duplicates another one is dropped. This is
 * decided once for each list of series, which cycles share as long as the series stay the same.
 */
export class PushedLabels {
  readonly #options: PushedLabelOptions;
  readonly #plans = new WeakMap<ReadonlySeries, Plan | 'nothing'>();
  /** Finds possible overwritten labels, including matches within a value. */
  readonly #clash: RegExp;
  readonly #harmless: number;

  constructor(options: PushedLabelOptions) {
    this.#options = options;
    const { names, limits } = options;
    this.#clash = new RegExp(`(?:^|[{,])(?:${[...names].join('|')})=`);
    this.#harmless = limits ? harmlessLength(limits, names.size) : Number.POSITIVE_INFINITY;
  }

  /** The label names that the push sets. */
  get names(): ReadonlySet<string> {
    return this.#options.names;
  }

  /** What the receivers will see of a closed snapshot; usually the snapshot itself. */
  see(snapshot: Snapshot): SeenSnapshot {
    const { series } = snapshot;
    let plan = this.#plans.get(series);
    if (plan === undefined) {
      const suspects = this.#suspects(series);
      plan = suspects.length === 0 ? 'nothing' : this.#plan(series, suspects);
      this.#plans.set(series, plan);
    }
    if (plan === 'nothing') return { snapshot, renamed: 0, overLimit: 0 };
    const { renamed, overLimit, errors, places } = plan;
    const seen = plan.series ? snapshot.under(plan.series, places) : snapshot;
    seen.errors.push(...errors);
    return { snapshot: seen, renamed, overLimit };
  }

  /**
   * The positions of series that may have to be changed or reported. Usually there are none, so that nothing is parsed.
   * Series of one object share their middle.
   */
  #suspects({ heads, middles, tails }: ReadonlySeries): number[] {
    const found: number[] = [];
    let last = '';
    let isSuspect = false;
    for (let index = 0; index < heads.length; index++) {
      const head = heads[index] ?? '';
      const middle = middles[index] ?? '';
      const tail = tails[index] ?? '';
      if (middle !== last) isSuspect = this.#clash.test(middle);
      last = middle;
      const isLong = head.length + middle.length + tail.length > this.#harmless;
      if (
        isSuspect ||
        this.#clash.test(head) ||
        (tail.length > 1 && this.#clash.test(tail)) ||
        (isLong && this.#isLarge(head + middle + tail))
      ) {
        found.push(index);
      }
    }
    return found;
  }

  /** Whether a key may exceed the limits. Within a value, a quotation mark has a backslash before it. */
  #isLarge(key: string): boolean {
    const { names, limits } = this.#options;
    if (limits === undefined) return false;
    let start = key.indexOf('{') + 1;
    if (start * MAX_BYTES > limits.valueBytes) return true;
    let count = names.size + 1;
    for (let at = key.indexOf('="', start); at !== -1; at = key.indexOf('="', start)) {
      const end = endOfValue(key, at + 2);
      if (at - start > limits.nameBytes || (end - at) * MAX_BYTES > limits.valueBytes) return true;
      count++;
      start = end + 2;
    }
    return count > limits.labels;
  }

  #plan(series: ReadonlySeries, suspects: readonly number[]): Plan {
    const { names, limits } = this.#options;
    const errors: Error[] = [];
    const rows = new Map(
      suspects.map((index) => [index, rowOf(series.owners[index] as Family, series.key(index), names)]),
    );
    let large = 0;
    for (const { name, labels, key } of rows.values()) {
      const excess = limits && overLimit(name, labels, limits, names.size);
      if (excess === undefined) continue;
      large++;
      if (large <= MAX_NAMED) errors.push(new Error(`${shownSeries(key)} has ${excess}: VictoriaMetrics drops it`));
    }
    if (large > MAX_NAMED) errors.push(new Error(`${large - MAX_NAMED} more series exceed the label limits`));
    const renamed = [...rows.values()].filter(({ isRenamed }) => isRenamed);
    if (renamed.length === 0) return { series: undefined, places: [], errors, renamed: 0, overLimit: large };
    // Only series of the same name can equal one that was renamed.
    const affected = new Set(renamed.map(({ owner }) => owner));
    const list = new SeriesList();
    const places: number[] = [];
    const seen = new Set<string>();
    for (const [index, owner] of series.owners.entries()) {
      const row = rows.get(index) ?? (affected.has(owner) ? rowOf(owner, series.key(index), names) : undefined);
      if (row && seen.has(row.canonical)) {
        errors.push(
          new Error(`${shownSeries(row.key)} equals another series after the push has set its labels: dropped`),
        );
        continue;
      }
      if (row) seen.add(row.canonical);
      places.push(index);
      if (row?.isRenamed) list.add(owner, row.canonical, '', '');
      else list.add(owner, ...series.parts(index));
    }
    return { series: list, places, errors, renamed: renamed.length, overLimit: large };
  }
}

/** Where the value that begins at `from` ends. */
function endOfValue(key: string, from: number): number {
  for (let end = key.indexOf('"', from); end !== -1; end = key.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (key[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return key.length;
}

/** A parsed series. */
interface Row {
  readonly owner: Family;
  readonly key: string;
  readonly name: string;
  readonly labels: readonly Label[];
  readonly isRenamed: boolean;
  /** The canonical form of all keys of the same series. */
  readonly canonical: string;
}

function rowOf(owner: Family, key: string, names: ReadonlySet<string>): Row {
  const parsed = parsedKey(key);
  if (parsed === undefined) return { owner, key, name: owner.name, labels: [], isRenamed: false, canonical: key };
  const { name } = parsed;
  const labels = withoutClashes(parsed.labels, names);
  // To a receiver, a label with an empty value does not exist.
  const canonical = seriesId({ name, labels: labels.filter(([, value]) => value !== '') });
  return { owner, key, name, labels, isRenamed: labels !== parsed.labels, canonical };
}

/**
 * `labels`, with those that `names` would overwrite renamed to free names; the same array when there are none. A label
 * with an empty value does not exist and is omitted.
 */
export function withoutClashes(labels: readonly Label[], names: ReadonlySet<string>): readonly Label[] {
  if (!labels.some(([name]) => names.has(name))) return labels;
  const taken = new Set([...labels.map(([name]) => name), ...names]);
  const renamed: Label[] = [];
  for (const [name, value] of labels) {
    if (!names.has(name)) renamed.push([name, value]);
    else if (value !== '') {
      let free = PREFIX + name;
      while (taken.has(free)) free = PREFIX + free;
      taken.add(free);
      renamed.push([free, value]);
    }
  }
  return renamed;
}

function parsedKey(key: string): { readonly name: string; readonly labels: readonly Label[] } | undefined {
  try {
    const line = parseLine(`${key} 0`);
    return line?.kind === 'sample' ? line : undefined;
  } catch {
    // This parser can't read the key, so it stays unchanged.
    return undefined;
  }
}
