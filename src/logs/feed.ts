/** Items that are kept until someone takes them. */
const MAX_KEPT = 1000;

/** Hands items of a collector to all lanes that ship them. */
export class Feed<Item> {
  readonly #takers = new Set<(item: Item) => void>();
  #kept: Item[] = [];

  /** Gives all items from now on, and those that nobody has taken; returns what ends it. */
  subscribe(take: (item: Item) => void): () => void {
    this.#takers.add(take);
    for (const item of this.#kept.splice(0)) take(item);
    return () => this.#takers.delete(take);
  }

  publish(item: Item): void {
    if (this.#takers.size === 0 && this.#kept.length < MAX_KEPT) this.#kept.push(item);
    for (const take of this.#takers) take(item);
  }
}
