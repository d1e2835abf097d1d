/** Items that are kept until someone takes them. */
const MAX_KEPT = 1000;

/** Passes items of a collector to all lanes that ship them. */
export class Feed<Item> {
  readonly #takers = new Set<(item: Item) => void>();
  #kept: Item[] = [];
  #dropped = 0;

  /**
   * Delivers all items from now on, and those not yet taken; returns a function that ends it. `onDropped` gets the
   * number of items dropped because too many were waiting.
   */
  subscribe(take: (item: Item) => void, onDropped: (items: number) => void): () => void {
    this.#takers.add(take);
    for (const item of this.#kept.splice(0)) take(item);
    if (this.#dropped > 0) onDropped(this.#dropped);
    this.#dropped = 0;
    return () => this.#takers.delete(take);
  }

  publish(item: Item): void {
    if (this.#takers.size === 0) {
      if (this.#kept.length < MAX_KEPT) this.#kept.push(item);
      else this.#dropped++;
    }
    for (const take of this.#takers) take(item);
  }
}
