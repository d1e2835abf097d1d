interface Event {
  readonly at: number;
  readonly run: () => void;
}

/** Virtual time in milliseconds: events run in order, while everything else is suspended. */
export class Timeline {
  now = 0;
  readonly #events: Event[] = [];
  readonly #settled: () => Promise<void>;

  /** `settled` resolves when everything that an event has started is waiting again; by default what needs no real I/O. */
  constructor(settled: () => Promise<void> = () => new Promise((resolve) => setImmediate(resolve))) {
    this.#settled = settled;
  }

  /** Calls `run` after `delay`. */
  in(delay: number, run: () => void): void {
    const at = this.now + delay;
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle] as Event).at <= at) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, { at, run });
  }

  /** Resolves after `ms`, or immediately when `signal` is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
      this.in(ms, resolve);
    });
  }

  /** Runs everything that is due within `ms`. */
  async run(ms: number): Promise<void> {
    const end = this.now + ms;
    // Code that has just started must first register its waits.
    await this.#settled();
    while (this.#events[0] && this.#events[0].at <= end) await this.step();
    this.now = end;
  }

  /** Runs the next event, and all promises that depend on it. */
  async step(): Promise<void> {
    const event = this.#events.shift();
    if (!event) throw new Error('no event is left');
    this.now = event.at;
    event.run();
    await this.#settled();
  }
}
