import type { Rendered } from './render.ts';

/** What is to be said about the series of an object, beside what they tell. */
export type Notes = Pick<Rendered, 'renamed' | 'overLimit'>;

/** Sums up what is to be said about the series of a resource; remembers only the objects with something to say. */
export class SeriesNotes {
  readonly #byObject = new Map<string, Notes>();
  renamed = 0;
  overLimit = 0;

  /** The first series that is over the limits, in words; undefined when none is. */
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
    const known = this.#byObject.get(object);
    if (known === undefined) return;
    this.#byObject.delete(object);
    this.renamed -= known.renamed;
    this.overLimit -= known.overLimit.length;
  }
}
