import { type Family, family } from './family.ts';

/**
 * Families whose names come from outside, such as those that programs push. As long as one stays the same it is the same
 * object: with another, each of its series would be a new one, and the list of series would be built again. A family that
 * a collection does not have is forgotten, so that ever new names need no memory.
 */
export class KnownFamilies {
  #before: ReadonlyMap<string, Family> = new Map();
  #current = new Map<string, Family>();

  /** Begins a collection. */
  begin(): void {
    this.#before = this.#current;
    this.#current = new Map();
  }

  /** The family of this name. Within a collection its first type and help text count. Throws as {@link family} does. */
  of({ name, type, help }: Omit<Family, 'labels'>): Family {
    const taken = this.#current.get(name);
    if (taken !== undefined) return taken;
    const before = this.#before.get(name);
    const current = before?.type === type && before.help === help ? before : family(type, name, help);
    this.#current.set(name, current);
    return current;
  }
}
