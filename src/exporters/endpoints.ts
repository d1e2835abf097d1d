import { Breaker } from './breaker.ts';
import type { Clock } from './clock.ts';
import type { Tried } from './sender.ts';

/** One address of a receiver. */
export interface Endpoint {
  readonly url: string;
  readonly breaker: Breaker;
  /** Whether it reads zstd; undefined before it is asked, and the question while it is on its way. */
  readsZstd: boolean | Promise<boolean | Tried> | undefined;
  /** Bodies with more bytes have been refused as too large. */
  maxBytes: number;
}

/** Leave for one upload. */
export interface Pass {
  readonly endpoint: Endpoint;
  readonly token: number;
}

/**
 * The addresses of one receiver, each with a breaker: the first that lets an upload pass gets it. So the next one takes
 * over on a failure, and the first is tried again after a wait and gets everything when it has recovered.
 */
export class Endpoints {
  readonly #endpoints: readonly Endpoint[];
  readonly #clock: Clock;
  #changed = Promise.withResolvers<void>();

  /** `readsZstd` when the configuration tells. */
  constructor(urls: readonly string[], readsZstd: boolean | undefined, clock: Clock) {
    this.#endpoints = urls.map((url) => ({
      url,
      breaker: new Breaker(),
      readsZstd,
      maxBytes: Number.POSITIVE_INFINITY,
    }));
    this.#clock = clock;
  }

  /** Whether one takes uploads. */
  get isOpen(): boolean {
    return this.#endpoints.some(({ breaker }) => breaker.isClosed);
  }

  /** Whether nothing gets better before a person changes something. */
  get isPaused(): boolean {
    return this.#endpoints.every(({ breaker }) => breaker.isPaused);
  }

  /** Whether an upload is on its way that tells whether others may follow. */
  get isProbing(): boolean {
    return this.#endpoints.some(({ breaker }) => breaker.isProbing);
  }

  /** The one that uploads go to. */
  get current(): Endpoint {
    return this.#endpoints.find(({ breaker }) => breaker.isClosed) ?? (this.#endpoints[0] as Endpoint);
  }

  /** Leave for an upload as soon as there is one; undefined when `signal` has fired and {@link wake} told of it. */
  async pass(signal: AbortSignal): Promise<Pass | undefined> {
    while (!signal.aborted) {
      const pass = this.passNow();
      if (pass) return pass;
      const now = this.#clock.now();
      await this.change(Math.min(...this.#endpoints.map(({ breaker }) => breaker.waitMs(now))));
    }
    return undefined;
  }

  /** Leave for an upload, if there is one at this moment. */
  passNow(): Pass | undefined {
    const now = this.#clock.now();
    const endpoint = this.#endpoints.find(({ breaker }) => breaker.waitMs(now) === 0);
    return endpoint && { endpoint, token: endpoint.breaker.pass() };
  }

  /** What became of an upload; `failed` tells for how long the address is to be left alone. */
  settle(
    { endpoint, token }: Pass,
    outcome: 'taken' | 'unused' | { readonly waitMs: number; readonly isPause: boolean },
  ): void {
    if (outcome === 'taken') endpoint.breaker.succeeded();
    else if (outcome === 'unused') endpoint.breaker.unused();
    else endpoint.breaker.failed(token, this.#clock.now() + outcome.waitMs, outcome.isPause);
    this.wake();
  }

  /** One more try at each address, now. */
  hurry(): void {
    for (const { breaker } of this.#endpoints) breaker.hurry();
    this.wake();
  }

  /** Resolves when an upload has been settled, with {@link wake}, or after so many milliseconds. */
  async change(withinMs = Number.POSITIVE_INFINITY): Promise<void> {
    const over = new AbortController();
    await Promise.race([this.#changed.promise, this.#clock.sleep(withinMs, over.signal)]);
    over.abort();
  }

  /** Lets all who wait look again. */
  wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
