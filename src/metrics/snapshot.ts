import { errorText } from '../base/error-text.ts';
import type { Family } from './family.ts';
import { labelBlock } from './text/format.ts';

/** A sample's own timestamp, in milliseconds since 1970; `pushed` once a cycle has pushed the sample with it. */
type OwnStamp = number | 'pushed';

/**
 * The data of one collector in one cycle: families and their samples in the order in which they were added. Add all
 * series of one object (device, pod, process group) together: text in object order compresses up to five times better
 * than text in family order. Stored as parallel arrays, so that a sample costs no object. As long as a cycle has the
 * series of the previous one, in the same order, the two share everything but the values.
 */
export class Snapshot {
  /** In the order of {@link series}. */
  readonly values: number[] = [];
  /** By index; undefined when no sample has one. */
  #stamps: Map<number, OwnStamp> | undefined;
  /** Errors of the collection. Each one stands for one lost unit (a device, a file), not for the whole collector. */
  readonly errors: Error[] = [];
  /** What this agent has no permission to read, by design. Counted, but not a fault. */
  readonly withheld: string[] = [];
  /**
   * Keys of counters that continue from an earlier process, which pushed them. They are not new, whatever their value.
   */
  continued: ReadonlySet<string> | undefined;
  #series: SeriesList;
  /** Whether `#series` is shared. Then the first `size` entries are ours. */
  #isShared: boolean;
  /** The other parts of keys, by their middles. Built on demand: when the series differ from those of the shared list. */
  #seen: Map<string, Set<string>> | undefined;

  /** `previous` is the collector's previous snapshot, which must be closed. */
  constructor(previous?: Snapshot) {
    this.#series = previous ? previous.#series : new SeriesList();
    this.#isShared = previous !== undefined;
  }

  get size(): number {
    return this.values.length;
  }

  /** Samples for receivers of timestamps: all but those that an earlier cycle has pushed with their own timestamps. */
  get unpushedSize(): number {
    let pushed = 0;
    for (const stamp of this.#stamps?.values() ?? []) if (stamp === 'pushed') pushed++;
    return this.size - pushed;
  }

  /** The series, without values. Closed snapshots with the same series have the same list. */
  get series(): ReadonlySeries {
    if (this.#series.size !== this.size) this.#takeOver();
    return this.#series;
  }

  get families(): ReadonlyMap<string, Family> {
    return this.series.families;
  }

  /** All series keys, `name{labels}`, built on each call. */
  get keys(): string[] {
    const { series } = this;
    return this.values.map((_, index) => series.key(index));
  }

  /**
   * Adds one sample; `labels` are the values for `family.labels`, in that order. A negative counter, which results from
   * a wrapped kernel counter, is rejected: receivers would read it as a restart.
   */
  add(family: Family, value: number, ...labels: readonly string[]): void {
    if (labels.length !== family.labels.length) {
      throw new Error(`BUG: ${family.name} takes ${family.labels.length} label values, got ${labels.length}`);
    }
    const key = family.name + labelBlock(family.labels, labels);
    if (value < 0 && family.type === 'counter') {
      this.errors.push(new Error(`${key}: negative counter value (${value}): sample dropped`));
      return;
    }
    this.addSeries(family, key, value);
  }

  /** The samples' own timestamps, by index; undefined when none has one. */
  get stamps(): ReadonlyMap<number, OwnStamp> | undefined {
    return this.#stamps;
  }

  /**
   * Adds one sample under a ready-made series key, for keys that are cached between cycles and for names other than the
   * family's own (`_bucket`, `_sum`, `_count`). A second sample of the same series is rejected: receivers would reject
   * the whole batch for it. `stampMs` is the sample's own timestamp, an integer, in milliseconds since 1970.
   */
  addSeries(family: Family, key: string, value: number, stampMs?: number): void {
    const index = this.size;
    this.addParts(family, key, '', '', value);
    if (stampMs !== undefined && this.size > index) this.#stamp(index, stampMs);
  }

  /**
   * Like {@link addSeries}, for a key in three parts. The middle one, the labels of an object, is shared by all its
   * series: complete keys would take most of the memory. All series of a family must be added in the same way.
   */
  addParts(family: Family, head: string, middle: string, tail: string, value: number): void {
    if (this.#isShared) {
      if (this.#series.isAt(this.size, family, head, middle, tail)) {
        this.values.push(value);
        return;
      }
      this.#takeOver();
    }
    if (!this.#admit(head, middle, tail)) {
      this.errors.push(new Error(`duplicate series ${head}${middle}${tail}: the first value is used`));
      return;
    }
    this.#series.add(family, head, middle, tail);
    this.values.push(value);
  }

  /**
   * The result of `read` for one unit. If it throws, only this unit is lost, the loss is recorded under its name, and
   * the result is undefined.
   */
  attempt<Value>(unit: string, read: () => Value): Value | undefined {
    try {
      return read();
    } catch (cause) {
      this.lose(unit, cause);
      return undefined;
    }
  }

  /** Records the loss of one unit. */
  lose(unit: string, cause: unknown): void {
    const message = errorText(cause);
    // Errors of files begin with their path, which is often the unit.
    this.errors.push(new Error(message.startsWith(unit) ? message : `${unit}: ${message}`, { cause }));
  }

  /** Closes the snapshot. From now on its list may be shared. */
  close(): void {
    if (this.#series.size !== this.size) this.#takeOver();
    this.#isShared = true;
    this.#seen = undefined;
  }

  /**
   * Copies everything to `out`, which is empty. This snapshot is closed. They share the list of series. `isRepeated` if
   * an earlier cycle has pushed it.
   */
  copyTo(out: Snapshot, options: { readonly isRepeated: boolean }): void {
    out.takeStamps(this);
    if (options.isRepeated) for (const index of this.#stamps?.keys() ?? []) out.#stamp(index, 'pushed');
    out.#series = this.#series;
    out.#isShared = true;
    for (const value of this.values) out.values.push(value);
    out.errors.push(...this.errors);
    out.withheld.push(...this.withheld);
  }

  /** Copies the samples' own timestamps from another snapshot with the same samples. */
  takeStamps(other: Snapshot): void {
    this.#stamps = other.#stamps && new Map(other.#stamps);
  }

  /** A copy without the named families. */
  without(names: ReadonlySet<string>): Snapshot {
    const rest = new Snapshot();
    rest.errors.push(...this.errors);
    rest.withheld.push(...this.withheld);
    rest.continued = this.continued;
    const { series } = this;
    for (const [index, owner] of series.owners.entries()) {
      if (names.has(owner.name)) continue;
      rest.addParts(owner, ...series.parts(index), this.values[index] ?? Number.NaN);
      const stamp = this.#stamps?.get(index);
      if (stamp !== undefined && rest.size > 0) rest.#stamp(rest.size - 1, stamp);
    }
    rest.close();
    return rest;
  }

  /** Sets the value of the first series of a family. Does nothing if it has none. */
  set(family: Family, value: number): void {
    const index = this.series.owners.indexOf(family);
    if (index !== -1) this.values[index] = value;
  }

  /** A copy whose values are those at `places` and whose series are `series`, in the same order. */
  under(series: SeriesList, places: readonly number[]): Snapshot {
    const copy = new Snapshot();
    copy.errors.push(...this.errors);
    copy.withheld.push(...this.withheld);
    copy.continued = this.continued;
    copy.#series = series;
    copy.#isShared = true;
    for (const place of places) {
      const stamp = this.#stamps?.get(place);
      if (stamp !== undefined) copy.#stamp(copy.size, stamp);
      copy.values.push(this.values[place] ?? Number.NaN);
    }
    return copy;
  }

  #stamp(index: number, stamp: OwnStamp): void {
    this.#stamps ??= new Map();
    this.#stamps.set(index, stamp);
  }

  /** Continues with its own list. */
  #takeOver(): void {
    this.#series = new SeriesList(this.#series, this.size);
    this.#isShared = false;
  }

  /** Records a series of an own list. Returns false for a duplicate. */
  #admit(head: string, middle: string, tail: string): boolean {
    this.#seen ??= this.#series.rests();
    const known = this.#seen.get(middle);
    const rest = head + tail;
    if (known === undefined) this.#seen.set(middle, new Set([rest]));
    else if (known.has(rest)) return false;
    else known.add(rest);
    return true;
  }
}

/** The series of a snapshot, in order. A key is the concatenation of head, middle and tail. */
export interface ReadonlySeries {
  readonly families: ReadonlyMap<string, Family>;
  readonly owners: readonly Family[];
  readonly heads: readonly string[];
  readonly middles: readonly string[];
  readonly tails: readonly string[];
  key(index: number): string;
  /** The parts of a key: its head, its middle, and its tail. */
  parts(index: number): [head: string, middle: string, tail: string];
}

/** A growing list of series. */
export class SeriesList implements ReadonlySeries {
  readonly families = new Map<string, Family>();
  readonly owners: Family[];
  readonly heads: string[];
  readonly middles: string[];
  readonly tails: string[];

  /** Begins with the first `count` of another list. */
  constructor(other?: SeriesList, count = 0) {
    this.owners = other?.owners.slice(0, count) ?? [];
    this.heads = other?.heads.slice(0, count) ?? [];
    this.middles = other?.middles.slice(0, count) ?? [];
    this.tails = other?.tails.slice(0, count) ?? [];
    for (const owner of this.owners) if (!this.families.has(owner.name)) this.families.set(owner.name, owner);
  }

  get size(): number {
    return this.owners.length;
  }

  parts(index: number): [head: string, middle: string, tail: string] {
    return [this.heads[index] ?? '', this.middles[index] ?? '', this.tails[index] ?? ''];
  }

  key(index: number): string {
    return `${this.heads[index]}${this.middles[index]}${this.tails[index]}`;
  }

  isAt(index: number, family: Family, head: string, middle: string, tail: string): boolean {
    return (
      this.owners[index] === family &&
      this.heads[index] === head &&
      this.middles[index] === middle &&
      this.tails[index] === tail
    );
  }

  add(family: Family, head: string, middle: string, tail: string): void {
    if (!this.families.has(family.name)) this.families.set(family.name, family);
    this.owners.push(family);
    this.heads.push(head);
    this.middles.push(middle);
    this.tails.push(tail);
  }

  /** By middle, heads with their tails. */
  rests(): Map<string, Set<string>> {
    const rests = new Map<string, Set<string>>();
    for (const [index, middle] of this.middles.entries()) {
      const known = rests.get(middle) ?? new Set();
      rests.set(middle, known.add(`${this.heads[index]}${this.tails[index]}`));
    }
    return rests;
  }
}
