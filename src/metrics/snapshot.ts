import type { Family } from './family.ts';
import { labelBlock } from './text.ts';

/**
 * What one collector saw in one cycle: families and their samples in the order in which they were added. Add all
 * series of one object (device, pod, process group) together: text in object order compresses up to five times
 * better than text in family order. Kept as parallel arrays, so that a sample costs no object.
 */
export class Snapshot {
  readonly families = new Map<string, Family>();
  /** Series keys, `name{labels}`, parallel to `owners` and `values`. */
  readonly keys: string[] = [];
  readonly owners: Family[] = [];
  readonly values: number[] = [];
  /** What could not be had: each error cost one unit (a device, a file), not the collector. */
  readonly errors: Error[] = [];
  readonly #seen = new Set<string>();

  get size(): number {
    return this.values.length;
  }

  /** Adds one sample; `labels` are the values for `family.labels`, in that order. */
  add(family: Family, value: number, ...labels: readonly string[]): void {
    if (labels.length !== family.labels.length) {
      throw new Error(`BUG: ${family.name} takes ${family.labels.length} label values, got ${labels.length}`);
    }
    this.addSeries(family, family.name + labelBlock(family.labels, labels), value);
  }

  /**
   * Adds one sample under a ready-made series key, for keys that are kept between cycles and for names that are not
   * the family's own (`_bucket`, `_sum`, `_count`). A second sample of the same series is refused: receivers reject
   * the whole body for it.
   */
  addSeries(family: Family, key: string, value: number): void {
    if (this.#seen.has(key)) {
      this.errors.push(new Error(`duplicate series ${key}: kept the first value`));
      return;
    }
    this.#seen.add(key);
    if (!this.families.has(family.name)) this.families.set(family.name, family);
    this.keys.push(key);
    this.owners.push(family);
    this.values.push(value);
  }

  /** Runs `read` for one unit; if it throws, only this unit is lost and the loss is recorded under its name. */
  attempt(unit: string, read: () => void): void {
    try {
      read();
    } catch (cause) {
      this.lose(unit, cause);
    }
  }

  /** Records the loss of one unit. */
  lose(unit: string, cause: unknown): void {
    const message = cause instanceof Error ? cause.message : String(cause);
    this.errors.push(new Error(`${unit}: ${message}`, { cause }));
  }

  /** A copy without the named families. */
  without(names: ReadonlySet<string>): Snapshot {
    const rest = new Snapshot();
    rest.errors.push(...this.errors);
    for (let index = 0; index < this.size; index++) {
      const owner = this.owners[index] as Family;
      if (!names.has(owner.name)) {
        rest.addSeries(owner, this.keys[index] as string, this.values[index] as number);
      }
    }
    return rest;
  }
}
