import type { Clock } from '../base/clock.ts';
import type { KubeApi } from './api.ts';
import { isLease, type Lease } from './lease-record.ts';
import { retryDelay } from './retry.ts';
import { decodeWatch } from './watch-stream.ts';

/** A Lease has a few hundred bytes. */
const MAX_EVENT_BYTES = 256 * 1024;
/** How long one watch lasts, at most; a random part of it less, so that candidates do not begin anew together. */
const LONGEST_S = 600;

interface LeaseWatchOptions extends Pick<Clock, 'sleep'> {
  readonly api: Pick<KubeApi, 'stream'>;
  /** Path of the collection. */
  readonly collection: string;
  readonly name: string;
  /** A watch that has received nothing for this long is dead. */
  readonly idleMs: number;
  readonly random: () => number;
  /** Called with each record that the Lease gets. */
  readonly onChange: (lease: Lease) => void;
}

/**
 * Receives the renewals of another holder, so that a standby need not request the Lease each second or two. It replaces
 * no request: a standby that has not received a renewal for a while asks, as it would without a watch. So nothing
 * depends on a watch that is late, silent or refused.
 */
export class LeaseWatch {
  readonly #options: LeaseWatchOptions;
  #following: AbortController | undefined;
  #failures = 0;

  constructor(options: LeaseWatchOptions) {
    this.#options = options;
  }

  /** Starts, unless it is running; after a failure, once its back-off is over. `version` is that of the known record. */
  follow(version: string | undefined, stopping: AbortSignal): void {
    if (this.#following !== undefined || stopping.aborted) return;
    const following = new AbortController();
    this.#following = following;
    void this.#follow(version, AbortSignal.any([stopping, following.signal])).finally(() => {
      if (this.#following === following) this.#following = undefined;
    });
  }

  /** Ends the watch: this process is the holder now. */
  stop(): void {
    this.#following?.abort();
    this.#following = undefined;
  }

  async #follow(version: string | undefined, signal: AbortSignal): Promise<void> {
    const { sleep, random } = this.#options;
    let error: unknown;
    try {
      await this.#watch(version, signal);
    } catch (cause) {
      error = cause;
    }
    // The requests report whatever is wrong with the API server; without the right to watch they go on alone.
    if (!signal.aborted) await sleep(retryDelay(this.#failures++, error, random), signal);
  }

  async #watch(resourceVersion: string | undefined, signal: AbortSignal): Promise<void> {
    const { api, collection: path, name, idleMs, random, onChange } = this.#options;
    const timeoutSeconds = Math.ceil(LONGEST_S * (0.6 + 0.4 * random()));
    const query = { watch: true, resourceVersion, timeoutSeconds, fieldSelector: `metadata.name=${name}` };
    const events = await api.stream({ path, query, signal }, idleMs);
    for await (const { type, object } of decodeWatch(events, path, MAX_EVENT_BYTES)) {
      if (signal.aborted || type === 'ERROR') return;
      const isChange = type === 'ADDED' || type === 'MODIFIED';
      if (!isChange || !isLease(object) || object.metadata?.name !== name) continue;
      this.#failures = 0;
      onChange(object);
    }
  }
}
