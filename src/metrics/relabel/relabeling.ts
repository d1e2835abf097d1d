import { errorText } from '../../base/error-text.ts';
import { turn } from '../../base/turns.ts';
import { type Family, isMetricName } from '../family.ts';
import { type ReadonlySeries, SeriesList, type Snapshot } from '../snapshot.ts';
import { blockOfPairs, shownSeries } from '../text/format.ts';
import { parseLine } from '../text/parse.ts';
import { applyRules, type LabelMap } from './apply.ts';
import { NAME, type RelabelPattern, type RelabelRule } from './rule.ts';

/** The steps applied to the series of a group, in this order. */
export interface RelabelSettings {
  /** Only families whose names contain one of these are kept; all if empty. */
  readonly metricAllowlist: readonly Pick<RelabelPattern, 'test'>[];
  readonly metricDenylist: readonly Pick<RelabelPattern, 'test'>[];
  readonly rules: readonly RelabelRule[];
  /** Labels that the push adds. Rules can read them, but not change them. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The decision on one series: unchanged, dropped, or with a new key. */
type Decision = 'same' | 'dropped' | { readonly key: string; readonly owner: Family };

/** The decisions for a list of series, and the resulting list. */
interface Plan {
  readonly of: ReadonlySeries;
  readonly decisions: readonly Decision[];
  /** Undefined when all series stay unchanged. */
  readonly series: SeriesList | undefined;
  /** Positions of the values of `series`. */
  readonly places: readonly number[];
  readonly errors: readonly Error[];
}

/** Decisions between two checks of the clock: far less than a millisecond. */
const SERIES_A_STEP = 32;
/** With more new series than this, the decisions are made in turns of the event loop. */
const MAX_AT_ONCE = 256;

/** Limit of cached families requested by name. The names come from outside, so the cache must be bounded. */
const MAX_NAMES = 20_000;

/**
 * Applies rules to series. They are compiled once, and evaluated once for each series. A series that persists over
 * cycles is not matched again, whatever appears and vanishes around it.
 */
export class Relabeling {
  readonly #settings: RelabelSettings;
  readonly #fixed: readonly (readonly [name: string, value: string])[];
  /** By the producer of the snapshots. */
  readonly #plans = new WeakMap<object, Plan>();
  readonly #admitted = new Map<string, boolean>();
  /** Families under new names. */
  readonly #renamed = new Map<string, Family>();

  constructor(settings: RelabelSettings) {
    this.#settings = settings;
    this.#fixed = Object.entries(settings.labels);
  }

  /**
   * The relabeled form of a closed snapshot; the snapshot itself when no rule changes it. `owner` is the producer of
   * such snapshots.
   */
  see(snapshot: Snapshot, owner: object): Snapshot {
    const { series } = snapshot;
    const last = this.#plans.get(owner);
    const plan = last?.of === series ? last : drained(this.#plan(series, last));
    this.#plans.set(owner, plan);
    if (plan.series === undefined) return snapshot;
    const seen = snapshot.under(plan.series, plan.places);
    seen.errors.push(...plan.errors);
    return seen;
  }

  /**
   * Decides on the series of a closed snapshot that are new, in turns of the event loop, so that {@link see} need not:
   * 100,000 series take a second or two. Undefined when there is too little to decide to be worth a turn.
   */
  prepare(snapshot: Snapshot, owner: object): Promise<void> | undefined {
    const { series } = snapshot;
    const last = this.#plans.get(owner);
    if (last?.of === series) return undefined;
    const { head } = sameHead(series, last?.of);
    const tail = last === undefined ? 0 : sameTail(series, last.of, head);
    if (series.owners.length - head - tail <= MAX_AT_ONCE) return undefined;
    return this.#prepare(series, last, owner);
  }

  async #prepare(series: ReadonlySeries, last: Plan | undefined, owner: object): Promise<void> {
    const steps = this.#plan(series, last);
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done) {
        this.#plans.set(owner, step.value);
        return;
      }
      await turn();
    }
  }

  /** Whether a family of this name is wanted at all. The rules may still drop some of its series. */
  admits(name: string): boolean {
    let isWanted = this.#admitted.get(name);
    if (isWanted === undefined) {
      const { metricAllowlist, metricDenylist } = this.#settings;
      const isAllowed = metricAllowlist.length === 0 || metricAllowlist.some((pattern) => pattern.test(name));
      isWanted = isAllowed && !metricDenylist.some((pattern) => pattern.test(name));
      if (this.#admitted.size >= MAX_NAMES) this.#admitted.clear();
      this.#admitted.set(name, isWanted);
    }
    return isWanted;
  }

  /** The key of a series of the family `owner` after relabeling: unchanged, new, or undefined if dropped. */
  keyOf(key: string, owner: string): string | undefined {
    if (!this.admits(owner)) return undefined;
    const labels = this.#relabeled(key);
    if (labels === 'same') return key;
    return labels && keyOf(labels);
  }

  /** Yields after every few series. */
  *#plan(series: ReadonlySeries, last: Plan | undefined): Generator<void, Plan> {
    const decisions: Decision[] = [];
    const errors: Error[] = [];
    const { head, shift } = sameHead(series, last?.of);
    const count = series.owners.length;
    const tail = last === undefined ? 0 : sameTail(series, last.of, head);
    for (let index = 0; index < count; index++) {
      if (index % SERIES_A_STEP === 0) yield;
      const place = index < head ? index : index >= count - tail ? index + shift : -1;
      const before = place === -1 ? undefined : last?.decisions[place];
      decisions.push(before ?? this.#decide(series, index, errors));
    }
    if (decisions.every((decision) => decision === 'same')) {
      return { of: series, decisions, series: undefined, places: [], errors };
    }
    const list = new SeriesList();
    const places: number[] = [];
    const seen = new Set<string>();
    // Only a series with a new key can duplicate another one.
    const changed = new Set(decisions.flatMap((decision) => (typeof decision === 'object' ? [decision.key] : [])));
    let refused = 0;
    for (const [index, decision] of decisions.entries()) {
      if (index % SERIES_A_STEP === 0) yield;
      if (decision === 'dropped') continue;
      const key = typeof decision === 'object' ? decision.key : changed.size > 0 ? series.key(index) : '';
      if (changed.has(key)) {
        if (seen.has(key)) {
          if (++refused === 1)
            errors.push(new Error(`${shownSeries(key)} equals another series after relabeling: dropped`));
          continue;
        }
        seen.add(key);
      }
      places.push(index);
      if (typeof decision === 'object') list.add(decision.owner, key, '', '');
      else list.add(series.owners[index] as Family, ...series.parts(index));
    }
    if (refused > 1) errors.push(new Error(`${refused - 1} more series equal others after relabeling: dropped`));
    return { of: series, decisions, series: list, places, errors };
  }

  #decide(series: ReadonlySeries, index: number, errors: Error[]): Decision {
    const owner = series.owners[index] as Family;
    if (!this.admits(owner.name)) return 'dropped';
    if (this.#settings.rules.length === 0) return 'same';
    const key = series.key(index);
    let labels: LabelMap | 'same' | undefined;
    try {
      labels = this.#relabeled(key);
    } catch (cause) {
      errors.push(new Error(`${shownSeries(key)} cannot be relabeled: ${errorText(cause)}`));
      return 'same';
    }
    if (labels === 'same') return 'same';
    if (labels === undefined) return 'dropped';
    return { key: keyOf(labels), owner: this.#familyOf(owner, nameOf(key), labels.get(NAME) ?? '') };
  }

  /** The labels of a series after relabeling; undefined when it is dropped, or has lost its name. */
  #relabeled(key: string): LabelMap | 'same' | undefined {
    const before = labelsOf(key);
    if (before === undefined) return 'same';
    const labels: LabelMap = new Map(before);
    for (const [name, value] of this.#fixed) labels.set(name, value);
    if (!applyRules(labels, this.#settings.rules)) return undefined;
    // The receiver sets the labels of the push again, whatever a rule has changed.
    for (const [name] of this.#fixed) {
      const own = before.get(name);
      if (own === undefined) labels.delete(name);
      else labels.set(name, own);
    }
    for (const name of labels.keys()) if (name !== NAME && name.startsWith('__')) labels.delete(name);
    if (!isMetricName(labels.get(NAME) ?? '')) return undefined;
    const isSame = labels.size === before.size && [...labels].every(([name, value]) => before.get(name) === value);
    return isSame ? 'same' : labels;
  }

  /** The family of a series whose name was `before` and is `now`. */
  #familyOf(owner: Family, before: string, now: string): Family {
    if (before === now) return owner;
    const part = before.startsWith(owner.name) ? before.slice(owner.name.length) : '';
    const isWhole = part === '' || now.endsWith(part);
    const name = isWhole ? now.slice(0, now.length - part.length) : now;
    const id = `${owner.name} ${name}`;
    const known = this.#renamed.get(id) ?? { ...owner, name, ...(!isWhole && { type: 'untyped' as const }) };
    if (this.#renamed.size >= MAX_NAMES) this.#renamed.clear();
    this.#renamed.set(id, known);
    return known;
  }
}

/** The plan of all steps at once. */
function drained(steps: Generator<void, Plan>): Plan {
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
}

const isSameAt = (one: ReadonlySeries, at: number, other: ReadonlySeries, place: number): boolean =>
  one.middles[at] === other.middles[place] &&
  one.heads[at] === other.heads[place] &&
  one.tails[at] === other.tails[place] &&
  one.owners[at] === other.owners[place];

/** Number of common series at the start of two lists, and the distance between the ends of the lists. */
function sameHead(series: ReadonlySeries, last: ReadonlySeries | undefined): { head: number; shift: number } {
  if (last === undefined) return { head: 0, shift: 0 };
  const most = Math.min(series.owners.length, last.owners.length);
  let head = 0;
  while (head < most && isSameAt(series, head, last, head)) head++;
  return { head, shift: last.owners.length - series.owners.length };
}

/** Number of common series at the end of two lists, after the first `head`. */
function sameTail(series: ReadonlySeries, last: ReadonlySeries, head: number): number {
  const [count, lastCount] = [series.owners.length, last.owners.length];
  const most = Math.min(count, lastCount) - head;
  let tail = 0;
  while (tail < most && isSameAt(series, count - 1 - tail, last, lastCount - 1 - tail)) tail++;
  return tail;
}

/** The labels of a key with the name of the series; undefined for a key that is not in the text format. */
function labelsOf(key: string): LabelMap | undefined {
  try {
    const line = parseLine(`${key} 0`);
    if (line?.kind !== 'sample') return undefined;
    const labels: LabelMap = new Map([[NAME, line.name]]);
    for (const [name, value] of line.labels) if (value !== '') labels.set(name, value);
    return labels;
  } catch {
    return undefined;
  }
}

function keyOf(labels: LabelMap): string {
  const own = [...labels].filter(([name]) => name !== NAME);
  const block = blockOfPairs(own);
  return labels.get(NAME) + block;
}

const nameOf = (key: string): string => {
  const brace = key.indexOf('{');
  return brace === -1 ? key : key.slice(0, brace);
};
