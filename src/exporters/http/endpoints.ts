import type { Clock } from '../../base/clock.ts';
import { Breaker } from './breaker.ts';
import type { Tried } from './sender.ts';

/** One address of a receiver. */
export interface Endpoint {
  readonly url: string;
  readonly breaker: Breaker;
  /** Whether it reads zstd; undefined before it is asked, and the question while it is on its way. */
  readsZstd: boolean | Promise<boolean | Tried> | undefined;
  /** Whether it is an old version that does not know the usual form of addresses. */
  isPlain: boolean;
  /** Bodies with more bytes have been refused as too large. */
  maxBytes: number;
  /** How each lane fares here by itself. */
  readonly lanes: Map<string, Lane>;
  /** Whose upload failed last. */
  failedLane: string | undefined;
}

/** One lane at one address. */
interface Lane {
  readonly breaker: Breaker;
  /** Whether another lane's upload was taken since the last failure of this one. */
  othersTaken: boolean;
}

/** Permission to start one upload. */
export interface UploadPermit {
  readonly endpoint: Endpoint;
  readonly lane: string;
  readonly token: number;
  readonly laneToken: number;
}

/** How long a lane that lets another one go first waits for its upload. */
const LOOK_MS = 250;

/**
 * The addresses of one receiver, each with a breaker: the first that lets an upload pass gets it. So the next one takes
 * over on a failure, and the first is tried again after a wait and gets everything when it has recovered.
 *
 * A failure is first taken for the address's. The next upload that tries it comes from another lane, if one waits: when it
 * is taken, the address is well, and from then on the lane that failed waits by itself.
 */
export class Endpoints {
  readonly #endpoints: readonly Endpoint[];
  readonly #clock: Clock;
  /** How many wait in each lane. */
  readonly #waiting = new Map<string, number>();
  #changed = Promise.withResolvers<void>();

  /** `readsZstd` when the configuration tells. */
  constructor(urls: readonly string[], readsZstd: boolean | undefined, clock: Clock) {
    this.#endpoints = urls.map((url) => ({
      url,
      breaker: new Breaker(),
      readsZstd,
      isPlain: false,
      maxBytes: Number.POSITIVE_INFINITY,
      lanes: new Map(),
      failedLane: undefined,
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
  async pass(signal: AbortSignal, lane: string): Promise<UploadPermit | undefined> {
    this.#waiting.set(lane, (this.#waiting.get(lane) ?? 0) + 1);
    try {
      while (!signal.aborted) {
        const pass = this.passNow(lane);
        if (pass) return pass;
        const now = this.#clock.now();
        const waits = this.#endpoints.map(({ breaker, lanes }) =>
          Math.max(breaker.waitMs(now), lanes.get(lane)?.breaker.waitMs(now) ?? 0),
        );
        await this.change(Math.min(...waits) || LOOK_MS);
      }
      return undefined;
    } finally {
      const rest = (this.#waiting.get(lane) ?? 1) - 1;
      if (rest > 0) this.#waiting.set(lane, rest);
      else this.#waiting.delete(lane);
    }
  }

  /** Leave for an upload, if there is one at this moment. */
  passNow(lane: string): UploadPermit | undefined {
    return this.#passTo(this.#endpoints, lane);
  }

  /** Leave for the same upload at one of the addresses that come after that of `pass`, if there is one. */
  passAfter({ endpoint, lane }: UploadPermit): UploadPermit | undefined {
    return this.#passTo(this.#endpoints.slice(this.#endpoints.indexOf(endpoint) + 1), lane);
  }

  #passTo(endpoints: readonly Endpoint[], lane: string): UploadPermit | undefined {
    const now = this.#clock.now();
    const endpoint = endpoints.find((one) => one.breaker.waitMs(now) === 0 && this.#mayGo(one, lane, now));
    if (endpoint === undefined) return undefined;
    return { endpoint, lane, token: endpoint.breaker.pass(), laneToken: laneOf(endpoint, lane).breaker.pass() };
  }

  /** Failures in a row that count for the next wait of this upload's lane, or of the address. */
  failures(pass: UploadPermit): number {
    const { breaker } = isAlone(pass) ? laneOf(pass.endpoint, pass.lane) : pass.endpoint;
    return breaker.failures;
  }

  /** What became of an upload; `failed` tells for how long the address, or the lane, is to be left alone. */
  settle(
    pass: UploadPermit,
    outcome: 'taken' | 'unused' | { readonly waitMs: number; readonly isPause: boolean },
  ): void {
    const { endpoint } = pass;
    const lane = laneOf(endpoint, pass.lane);
    if (outcome === 'taken') {
      // All may try at once when the address is back: whoever fails again, fails alone.
      const wasDown = !endpoint.breaker.isClosed;
      endpoint.breaker.succeeded();
      lane.breaker.succeeded();
      for (const other of endpoint.lanes.values()) {
        if (other === lane) continue;
        other.othersTaken = true;
        if (wasDown) other.breaker.hurry();
      }
    } else if (outcome === 'unused') {
      endpoint.breaker.unused();
      lane.breaker.unused();
    } else {
      const retryAtMs = this.#clock.now() + outcome.waitMs;
      if (!isAlone(pass)) {
        endpoint.breaker.failed(pass.token, retryAtMs, outcome.isPause);
        endpoint.failedLane = pass.lane;
      }
      lane.breaker.failed(pass.laneToken, retryAtMs, outcome.isPause);
      lane.othersTaken = false;
    }
    this.wake();
  }

  /** Whether a lane may use an address that lets an upload pass. */
  #mayGo(endpoint: Endpoint, lane: string, now: number): boolean {
    if ((endpoint.lanes.get(lane)?.breaker.waitMs(now) ?? 0) > 0) return false;
    if (endpoint.breaker.isClosed || endpoint.failedLane !== lane) return true;
    return ![...this.#waiting.keys()].some(
      (other) => other !== lane && (endpoint.lanes.get(other)?.breaker.waitMs(now) ?? 0) === 0,
    );
  }

  /** One more try at each address, now. */
  hurry(): void {
    for (const { breaker, lanes } of this.#endpoints) {
      breaker.hurry();
      for (const lane of lanes.values()) lane.breaker.hurry();
    }
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

function laneOf({ lanes }: Endpoint, name: string): Lane {
  const lane = lanes.get(name) ?? { breaker: new Breaker(), othersTaken: false };
  lanes.set(name, lane);
  return lane;
}

/** Whether the address takes what comes in other lanes, while this one has failed before. */
function isAlone({ endpoint, lane }: UploadPermit): boolean {
  const { breaker, othersTaken } = laneOf(endpoint, lane);
  return endpoint.breaker.isClosed && !breaker.isClosed && othersTaken;
}
