/** Items that are kept for each lane until it takes them. */
const MAX_KEPT = 1000;

/** A lane, or all of them before they are known. */
interface Subscriber<Item> {
  take?: (item: Item) => void;
  kept: Item[];
  dropped: number;
}

/** Hands items of a collector to all lanes that ship them, each as if it were alone. */
export class Feed<Item> {
  /** What came before any lane was known. */
  readonly #early: Subscriber<Item> = { kept: [], dropped: 0 };
  readonly #subscribers = new Map<string, Subscriber<Item>>();

  /** Names the receivers whose lanes will take items; from now on they are kept for each of them. */
  expect(receivers: readonly string[]): void {
    for (const name of this.#subscribers.keys()) if (!receivers.includes(name)) this.#subscribers.delete(name);
    for (const name of receivers) {
      if (!this.#subscribers.has(name)) {
        this.#subscribers.set(name, { kept: [...this.#early.kept], dropped: this.#early.dropped });
      }
    }
    if (receivers.length === 0) return;
    this.#early.kept = [];
    this.#early.dropped = 0;
  }

  /**
   * Passes the items buffered for the lane of `receiver`, and all later ones, to `take`; returns a function that unsubscribes.
   * `onDropped` gets the number of items that exceeded the buffer.
   */
  subscribe(receiver: string, take: (item: Item) => void, onDropped: (items: number) => void): () => void {
    if (!this.#subscribers.has(receiver)) this.expect([...this.#subscribers.keys(), receiver]);
    const subscriber = this.#subscribers.get(receiver) as Subscriber<Item>;
    subscriber.take = take;
    for (const item of subscriber.kept.splice(0)) take(item);
    if (subscriber.dropped > 0) onDropped(subscriber.dropped);
    subscriber.dropped = 0;
    return () => {
      if (subscriber.take === take) delete subscriber.take;
    };
  }

  publish(item: Item): void {
    if (this.#subscribers.size === 0) keep(this.#early, item);
    for (const subscriber of this.#subscribers.values()) {
      if (subscriber.take === undefined) keep(subscriber, item);
      else subscriber.take(item);
    }
  }
}

function keep<Item>(subscriber: Subscriber<Item>, item: Item): void {
  if (subscriber.kept.length < MAX_KEPT) subscriber.kept.push(item);
  else subscriber.dropped++;
}
