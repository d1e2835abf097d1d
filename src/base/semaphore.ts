/** A semaphore: when all slots are taken, callers wait in order. */
export class Semaphore {
  readonly #waiting = new Set<() => void>();
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Takes a slot as soon as one is free. False if none became free within `timeoutMs`; without it, there is no limit. */
  async take(timeoutMs?: number): Promise<boolean> {
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const wake = () => resolve(true);
    this.#waiting.add(wake);
    if (timeoutMs === undefined) return promise;
    const timer = setTimeout(() => {
      if (this.#waiting.delete(wake)) resolve(false);
    }, timeoutMs);
    timer.unref();
    const isFree = await promise;
    clearTimeout(timer);
    return isFree;
  }

  /** Releases a slot; the longest waiter gets it. */
  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
