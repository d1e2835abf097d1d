/** A binary heap: the smallest first. */
export class Heap<T extends NonNullable<unknown>> {
  readonly #compare: (a: T, b: T) => number;
  #items: T[] = [];

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#items.length;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let index = items.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = items[parent];
      if (above === undefined || this.#compare(item, above) >= 0) break;
      items[index] = above;
      index = parent;
    }
    items[index] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (items.length > 0 && last !== undefined) this.#sink(last);
    return first;
  }

  /** Drops the items for which `isKept` is false. */
  keep(isKept: (item: T) => boolean): void {
    const rest = this.#items.filter(isKept);
    this.#items = [];
    for (const item of rest) this.push(item);
  }

  /** Replaces the first item with `item`. */
  #sink(item: T): void {
    const items = this.#items;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const [left, right] = [items[child], items[child + 1]];
      let smaller = left;
      if (left !== undefined && right !== undefined && this.#compare(right, left) < 0) {
        smaller = right;
        child++;
      }
      if (smaller === undefined || this.#compare(item, smaller) <= 0) break;
      items[index] = smaller;
      index = child;
    }
    items[index] = item;
  }
}
