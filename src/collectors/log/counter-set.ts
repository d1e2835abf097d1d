import { type Family, OTHER } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { labelBlock } from '../../metrics/text/format.ts';
import { areTexts } from './saved.ts';

/** The value of one series, to be added to. */
export interface Count {
  value: number;
}

interface Series extends Count {
  readonly labels: readonly string[];
  readonly key: string;
}

/** A counter family with its values, of a bounded number of series. They can be saved and continue after a restart. */
export class CounterSet {
  readonly family: Family;
  readonly #names: readonly string[];
  readonly #max: number;
  readonly #overflow: (labels: readonly string[]) => readonly string[];
  readonly #series = new Map<string, Series>();

  /**
   * `max` is the maximum number of series; further ones are counted under the labels that `overflow` derives from
   * theirs: {@link OTHER} for each by default. `names` are the labels, if they differ from those of the family.
   */
  constructor(
    family: Family,
    max: number,
    overflow: (labels: readonly string[]) => readonly string[] = (labels) => labels.map(() => OTHER),
    names: readonly string[] = family.labels,
  ) {
    this.family = family;
    this.#names = names;
    this.#max = max;
    this.#overflow = overflow;
  }

  /** Adds to one series; `labels` are the values for the family's labels. */
  add(amount: number, ...labels: readonly string[]): void {
    this.of(labels).value += amount;
  }

  /** The series with these labels, created if necessary. Callers may keep it. */
  of(labels: readonly string[]): Count {
    return this.#series.get(labels.length === 1 ? (labels[0] ?? '') : labels.join('\0')) ?? this.#new(labels);
  }

  /**
   * Ends the series for whose labels `isKept` is false; counting on ended series that callers have kept has no effect.
   */
  retain(isKept: (labels: readonly string[]) => boolean): void {
    for (const [id, { labels }] of this.#series) if (!isKept(labels)) this.#series.delete(id);
  }

  /** Number of series. */
  get size(): number {
    return this.#series.size;
  }

  /** Adds all series to `out`. */
  emit(out: Snapshot): void {
    for (const { key, value } of this.#series.values()) out.addSeries(this.family, key, value);
  }

  /** For the state file. */
  dump(): unknown {
    return [...this.#series.values()].map(({ labels, value }) => [value, ...labels]);
  }

  /** Resumes from a dump; series that no longer fit the family are dropped. Returns the keys of the series. */
  restore(saved: unknown): string[] {
    if (!Array.isArray(saved)) return [];
    const keys: string[] = [];
    for (const row of saved) {
      if (!Array.isArray(row)) continue;
      const [value, ...labels]: readonly unknown[] = row;
      if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) continue;
      if (labels.length !== this.#names.length || !areTexts(labels)) continue;
      this.add(value, ...labels);
      keys.push(this.#keyOf(labels));
    }
    return keys;
  }

  #new(labels: readonly string[]): Count {
    const kept = this.#series.size < this.#max ? labels : this.#overflow(labels);
    const id = kept.join('\0');
    const found = this.#series.get(id);
    if (found !== undefined) return found;
    const made = { labels: kept, key: this.#keyOf(kept), value: 0 };
    this.#series.set(id, made);
    return made;
  }

  #keyOf(labels: readonly string[]): string {
    return this.family.name + labelBlock(this.#names, labels);
  }
}
