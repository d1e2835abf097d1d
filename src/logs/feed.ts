/** Items that are kept for each lane until it takes them. */
const MAX_KEPT = 1000;

/** A lane, or all of them before they are known. */
interface Taker<Item> {
  take?: (item: Item) => void;
  kept: Item[];
  dropped: number;
}

/** Hands items of a collector to all lanes that ship them, each as if it were alone. */
export class Feed<Item> {
  /** What came before any lane was known. */
  readonly #early: Taker<Item> = { kept: [], dropped: 0 };
  readonly #takers = new Map<string, Taker<Item>>();

  /** Names the receivers whose lanes will take items; from now on they are kept for each of them. */
  expect(receivers: readonly string[]): void {
    for (const name of this.#takers.keys()) if (!receivers.includes(name)) this.#takers.delete(name);
    for (const name of receivers) {
      if (!this.#takers.has(name)) {
        this.#takers.set(name, { kept: [...this.#early.kept], dropped: this.#early.dropped });
      }
    }
    if (receivers.length === 0) return;
    this.#early.kept = [];
    this.#early.dropped = 0;
  }

  /**
   * Gives all items from now on to the lane of `receiver`, and those that were kept for it; returns what ends it.
   * `onDropped` gets the number of items that were too many to be kept.
   */
  subscribe(receiver: string, take: (item: Item) => void, onDropped: (items: number) => void): () => void {
    if (!this.#takers.has(receiver)) this.expect([...this.#takers.keys(), receiver]);
    const taker = this.#takers.get(receiver) as Taker<Item>;
    taker.take = take;
    for (const item of taker.kept.splice(0)) take(item);
    if (taker.dropped > 0) onDropped(taker.dropped);
    taker.dropped = 0;
    return () => {
      if (taker.take === take) delete taker.take;
    };
  }

  publish(item: Item): void {
    if (this.#takers.size === 0) keep(this.#early, item);
    for (const taker of this.#takers.values()) {
      if (taker.take === undefined) keep(taker, item);
      else taker.take(item);
    }
  }
}

function keep<Item>(taker: Taker<Item>, item: Item): void {
  if (taker.kept.length < MAX_KEPT) taker.kept.push(item);
  else taker.dropped++;
}
