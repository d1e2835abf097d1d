import type { Rendered } from './render.ts';

/** Notes about the series of an object, in addition to the series themselves. */
type Notes = Pick<Rendered, 'renamed' | 'overLimit'>;

/** Aggregates notes about the series of a resource; stores only the objects that have notes. */
export class SeriesNotes {
  readonly #byObject = new Map<string, Notes>();
  renamed = 0;
  overLimit = 0;

  /** Description of the first series over the limits; undefined without one. */
  get example(): string | undefined {
    for (const { overLimit } of this.#byObject.values()) if (overLimit.length > 0) return overLimit[0];
    return undefined;
  }

  set(object: string, { renamed, overLimit }: Notes): void {
    this.delete(object);
    if (renamed === 0 && overLimit.length === 0) return;
    this.#byObject.set(object, { renamed, overLimit });
    this.renamed += renamed;
    this.overLimit += overLimit.length;
  }

  delete(object: string): void {
    // Also without entries, a lookup would turn the key into an internalized string.
    const known = this.#byObject.size === 0 ? undefined : this.#byObject.get(object);
    if (known === undefined) return;
    this.#byObject.delete(object);
    this.renamed -= known.renamed;
    this.overLimit -= known.overLimit.length;
  }
}
