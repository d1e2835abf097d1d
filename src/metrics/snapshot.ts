import type { Family } from './family.ts';
import { labelBlock } from './text.ts';

/**
 * What one collector saw in one cycle: families and their samples in the order in which they were added. Add all
 * series of one object (device, pod, process group) together: text in object order compresses up to five times
 * better than text in family order. Kept as parallel arrays, so that a sample costs no object; and as long as a cycle
 * sees the series of the one before, in the same order, the two share all but the values.
 */
export class Snapshot {
  /** Parallel to `keys` and `owners`. */
  readonly values: number[] = [];
  /** What could not be had: each error cost one unit (a device, a file), not the collector. */
  readonly errors: Error[] = [];
  #list: SeriesList;
  /** Whether `#list` belongs to others as well; then the first `size` of it are ours. */
  #isShared: boolean;
  /** Made when it is needed: the keys of a list that was taken over differ. */
  #seen: Set<string> | undefined;

  /** `previous` is what the same collector saw before; it must be closed. */
  constructor(previous?: Snapshot) {
    this.#list = previous ? previous.#list : { families: new Map(), keys: [], owners: [] };
    this.#isShared = previous !== undefined;
  }

  get size(): number {
    return this.values.length;
  }

  get families(): ReadonlyMap<string, Family> {
    return this.#ours().families;
  }

  /** Series keys, `name{labels}`. Closed snapshots with the same series have the same array. */
  get keys(): readonly string[] {
    return this.#ours().keys;
  }

  get owners(): readonly Family[] {
    return this.#ours().owners;
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
    if (this.#isShared) {
      const index = this.values.length;
      if (this.#list.keys[index] === key && this.#list.owners[index] === family) {
        this.values.push(value);
        return;
      }
      this.#takeOver();
    }
    const { families, keys, owners } = this.#list;
    this.#seen ??= new Set(keys);
    if (this.#seen.has(key)) {
      this.errors.push(new Error(`duplicate series ${key}: kept the first value`));
      return;
    }
    this.#seen.add(key);
    if (!families.has(family.name)) families.set(family.name, family);
    keys.push(key);
    owners.push(family);
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

  /** Ends adding: from now on others may share its list. */
  close(): void {
    this.#ours();
    this.#isShared = true;
    this.#seen = undefined;
  }

  /** A copy without the named families. */
  without(names: ReadonlySet<string>): Snapshot {
    const rest = new Snapshot();
    rest.errors.push(...this.errors);
    const { keys, owners } = this.#ours();
    for (let index = 0; index < this.size; index++) {
      const owner = owners[index] as Family;
      if (!names.has(owner.name)) rest.addSeries(owner, keys[index] as string, this.values[index] as number);
    }
    rest.close();
    return rest;
  }

  #ours(): SeriesList {
    if (this.#list.keys.length !== this.size) this.#takeOver();
    return this.#list;
  }

  /** Goes on with a list of its own. */
  #takeOver(): void {
    const keys = this.#list.keys.slice(0, this.size);
    const owners = this.#list.owners.slice(0, this.size);
    const families = new Map<string, Family>();
    for (const owner of owners) if (!families.has(owner.name)) families.set(owner.name, owner);
    this.#list = { families, keys, owners };
    this.#isShared = false;
  }
}

/** The series of a snapshot, in order, and their families. */
interface SeriesList {
  readonly families: Map<string, Family>;
  readonly keys: string[];
  readonly owners: Family[];
}
