import { backoffMs, PAUSE_MS } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import { Breaker } from './breaker.ts';
import type { UploadAttempt } from './sender.ts';

/** One address of a receiver. */
export interface Endpoint {
  readonly url: string;
  readonly breaker: Breaker;
  /** Whether it supports zstd. Undefined before the check, and a promise while the check is in progress. */
  readsZstd: boolean | Promise<boolean | UploadAttempt> | undefined;
  /** Whether it is an old version that does not support the usual form of addresses. */
  isPlain: boolean;
  /** Batches with more bytes have been rejected as too large. */
  maxBytes: number;
  /** The state of each lane at this address. */
  readonly lanes: Map<string, LaneState>;
  /** The lane whose upload failed last. */
  failedLane: string | undefined;
}

/** One lane at one address. */
interface LaneState {
  readonly breaker: Breaker;
  /** Whether another lane's upload was accepted since the last failure of this one. */
  othersAccepted: boolean;
}

/** Permission to start one upload. */
export interface UploadPermit {
  readonly endpoint: Endpoint;
  readonly lane: string;
  readonly token: number;
  readonly laneToken: number;
}

/** What is known of how long to back off after a failure. */
interface BackOff {
  /** Whether only an operator can end the failure. */
  readonly isPause?: boolean;
  /** Milliseconds requested by the receiver. */
  readonly requestedMs: number | undefined;
}

/** How long a lane that yields to another one waits for that upload. */
const POLL_MS = 250;

/**
 * The addresses of one receiver, each with a breaker. The first that lets an upload pass gets it. So the next one takes
 * over on a failure. The first is retried after a wait and gets all uploads again when it has recovered.
 *
 * A failure is first attributed to the address. Its next upload comes from another lane, if one is waiting. When that
 * is accepted, the address is healthy, and from then on the failed lane backs off alone.
 */
export class Endpoints {
  readonly #endpoints: readonly Endpoint[];
  readonly #clock: Clock;
  readonly #random: () => number;
  /** Number of waiting uploads in each lane. */
  readonly #waiting = new Map<string, number>();
  #changed = Promise.withResolvers<void>();

  /** `readsZstd` if the configuration specifies it. */
  constructor(urls: readonly string[], readsZstd: boolean | undefined, clock: Clock, random: () => number) {
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
    this.#random = random;
  }

  /** Whether any address accepts uploads. */
  get isOpen(): boolean {
    return this.#endpoints.some(({ breaker }) => breaker.isClosed);
  }

  /** Whether recovery requires an operator to change something. */
  get isPaused(): boolean {
    return this.#endpoints.every(({ breaker }) => breaker.isPaused);
  }

  /** Whether a probe upload is in progress. */
  get isProbing(): boolean {
    return this.#endpoints.some(({ breaker }) => breaker.isProbing);
  }

  /** Milliseconds until the next attempt; undefined while nothing waits for one, and during an attempt. */
  get waitMs(): number | undefined {
    const now = this.#clock.monotonicMs();
    const lanes = this.#endpoints.flatMap((endpoint) => [...endpoint.lanes.values()]);
    const waiting = this.isOpen ? lanes : this.#endpoints;
    const waits = waiting.map(({ breaker }) => breaker.waitMs(now)).filter((wait) => wait > 0 && Number.isFinite(wait));
    return waits.length === 0 ? undefined : Math.min(...waits);
  }

  /** The address in use for uploads. */
  get current(): Endpoint {
    return this.#endpoints.find(({ breaker }) => breaker.isClosed) ?? (this.#endpoints[0] as Endpoint);
  }

  /** Permission for an upload as soon as possible. Undefined when `signal` has fired and {@link wake} was called. */
  async permit(signal: AbortSignal, lane: string): Promise<UploadPermit | undefined> {
    this.#waiting.set(lane, (this.#waiting.get(lane) ?? 0) + 1);
    try {
      while (!signal.aborted) {
        const permit = this.permitNow(lane);
        if (permit) return permit;
        const now = this.#clock.monotonicMs();
        const waits = this.#endpoints.map(({ breaker, lanes }) =>
          Math.max(breaker.waitMs(now), lanes.get(lane)?.breaker.waitMs(now) ?? 0),
        );
        await this.change(Math.min(...waits) || POLL_MS);
      }
      return undefined;
    } finally {
      const rest = (this.#waiting.get(lane) ?? 1) - 1;
      if (rest > 0) this.#waiting.set(lane, rest);
      else this.#waiting.delete(lane);
    }
  }

  /**
   * The same, and once `closing` has fired, permission for a last attempt: undefined if that failed, or when `cut` has
   * fired.
   */
  async permitUntilCut(closing: AbortSignal, cut: AbortSignal, lane: string): Promise<UploadPermit | undefined> {
    const permit = await this.permit(closing, lane);
    if (permit) return permit;
    while (this.isProbing && !cut.aborted) await this.change();
    return cut.aborted ? undefined : this.permitNow(lane);
  }

  /** Permission for an upload, if possible now. */
  permitNow(lane: string): UploadPermit | undefined {
    return this.#permitTo(this.#endpoints, lane);
  }

  /** Permission for the same upload at one of the addresses after that of `permit`, if possible. */
  permitAfter({ endpoint, lane }: UploadPermit): UploadPermit | undefined {
    return this.#permitTo(this.#endpoints.slice(this.#endpoints.indexOf(endpoint) + 1), lane);
  }

  #permitTo(endpoints: readonly Endpoint[], lane: string): UploadPermit | undefined {
    const now = this.#clock.monotonicMs();
    const endpoint = endpoints.find((one) => one.breaker.waitMs(now) === 0 && this.#mayGo(one, lane, now));
    if (endpoint === undefined) return undefined;
    return { endpoint, lane, token: endpoint.breaker.begin(), laneToken: laneOf(endpoint, lane).breaker.begin() };
  }

  /**
   * Records a failed upload, and returns how long the address, or the lane, is left alone: for a fixed time during a
   * pause, which only an operator can end; otherwise as long as the receiver requested (Retry-After), or longer with
   * each consecutive failure.
   */
  backOff(permit: UploadPermit, { isPause = false, requestedMs }: BackOff): number {
    const { breaker } = isAlone(permit) ? laneOf(permit.endpoint, permit.lane) : permit.endpoint;
    // The delay that a receiver requests is the same for all agents, and may be zero.
    const retryMs =
      requestedMs === undefined
        ? backoffMs(breaker.failures + 1, this.#random)
        : requestedMs + backoffMs(1, this.#random);
    const waitMs = isPause ? PAUSE_MS : retryMs;
    this.settle(permit, { waitMs, isPause });
    return waitMs;
  }

  /** Records the result of an upload. `waitMs` is how long to back off from the address, or for the lane. */
  settle(
    permit: UploadPermit,
    outcome: 'accepted' | 'unused' | { readonly waitMs: number; readonly isPause: boolean },
  ): void {
    const { endpoint } = permit;
    const lane = laneOf(endpoint, permit.lane);
    if (outcome === 'accepted') {
      // All lanes may try immediately when the address is back: a lane that fails again fails alone.
      const wasDown = !endpoint.breaker.isClosed;
      endpoint.breaker.succeeded();
      lane.breaker.succeeded();
      for (const other of endpoint.lanes.values()) {
        if (other === lane) continue;
        other.othersAccepted = true;
        if (wasDown) other.breaker.hurry();
      }
    } else if (outcome === 'unused') {
      endpoint.breaker.unused();
      lane.breaker.unused();
    } else {
      const retryAtMs = this.#clock.monotonicMs() + outcome.waitMs;
      if (!isAlone(permit)) {
        endpoint.breaker.failed(permit.token, retryAtMs, outcome.isPause);
        endpoint.failedLane = permit.lane;
      }
      lane.breaker.failed(permit.laneToken, retryAtMs, outcome.isPause);
      lane.othersAccepted = false;
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

  /** Allows one more attempt at each address, now. */
  hurry(): void {
    for (const { breaker, lanes } of this.#endpoints) {
      breaker.hurry();
      for (const lane of lanes.values()) lane.breaker.hurry();
    }
    this.wake();
  }

  /** Resolves when an upload has been settled, with {@link wake}, or after this many milliseconds. */
  async change(withinMs = Number.POSITIVE_INFINITY): Promise<void> {
    const over = new AbortController();
    await Promise.race([this.#changed.promise, this.#clock.sleep(withinMs, over.signal)]);
    over.abort();
  }

  /** Makes all waiting uploads check again. */
  wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function laneOf({ lanes }: Endpoint, name: string): LaneState {
  const lane = lanes.get(name) ?? { breaker: new Breaker(), othersAccepted: false };
  lanes.set(name, lane);
  return lane;
}

/** Whether the address accepts uploads of other lanes, while this one has failed before. */
function isAlone({ endpoint, lane }: UploadPermit): boolean {
  const { breaker, othersAccepted } = laneOf(endpoint, lane);
  return endpoint.breaker.isClosed && !breaker.isClosed && othersAccepted;
}
