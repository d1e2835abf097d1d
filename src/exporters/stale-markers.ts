import type { Target } from '../config/identity.ts';
import type { ThrottledLog } from '../log.ts';
import { parseText } from '../metrics/parse-text.ts';
import { withoutQueries } from './answer-text.ts';
import { backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';
import { type SeriesLabels, snappyLiterals, staleMarkers } from './remote-write.ts';
import type { Sender, Upload } from './sender.ts';

export interface StaleMarkerOptions {
  readonly exporter: string;
  /** Address of remote write for series of `target`; asked at each try, since it may be another one by then. */
  readonly url: (target: Target) => string;
  readonly sender: Sender;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: ThrottledLog;
}

const TRIES = 3;
const TIMEOUT_MS = 10_000;
/** Uploads under way or waiting; beyond, markers are not sent: a series without one ends by itself after five minutes. */
const MOST_UPLOADS = 8;
/** Series in one upload; a receiver takes 32 MiB. */
const MOST_SERIES = 10_000;

/**
 * Ends series at the receiver the moment they are gone, so that a pod that was deleted is not shown for five minutes
 * more. Helpful, not promised: what fails three times is left.
 */
export class StaleMarkers {
  readonly #options: StaleMarkerOptions;
  readonly #stopping = new AbortController();
  readonly #uploads = new Set<Promise<void>>();

  constructor(options: StaleMarkerOptions) {
    this.#options = options;
  }

  /** Ends the series with these keys (`name{labels}`) at `stampMs`; returns at once. */
  end(target: Target, stampMs: number, keys: readonly string[]): void {
    for (let start = 0; start < keys.length; start += MOST_SERIES) {
      if (this.#uploads.size >= MOST_UPLOADS || this.#stopping.signal.aborted) return;
      const series = keys.slice(start, start + MOST_SERIES).map(labelsOfKey);
      const upload = this.#send(target, snappyLiterals(staleMarkers(series, stampMs)));
      this.#uploads.add(upload);
      void upload.finally(() => this.#uploads.delete(upload));
    }
  }

  /** Resolves when no upload is under way; what waits for another try is left. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#uploads);
  }

  async #send(target: Target, body: Buffer): Promise<void> {
    const { exporter, url, sender, clock, random, log } = this.#options;
    const { signal } = this.#stopping;
    for (let failures = 0; failures < TRIES && !signal.aborted; failures++) {
      if (failures > 0) await clock.sleep(backoffMs(failures, random), signal);
      const upload: Upload = {
        method: 'POST',
        url: url(target),
        contentType: 'application/x-protobuf',
        compression: 'snappy',
        members: [body],
        timeoutMs: TIMEOUT_MS,
      };
      const { code, text } = await sender.send(upload, AbortSignal.timeout(2 * TIMEOUT_MS));
      if ((code === 204 || code === 200) && text === '') return;
      const fields = { exporter, url: withoutQueries(upload.url), code, answer: text };
      log.say('info', `${exporter}/stale-markers`, fields, 'series that are gone could not be ended at the receiver');
      // Everything but an overload or a failure on the way would be refused again.
      if (typeof code === 'number' && code < 500 && code !== 429) return;
    }
  }
}

/** The labels of a series key, with `__name__`. */
export function labelsOfKey(key: string): SeriesLabels {
  const [line] = parseText(`${key} 0\n`);
  if (line?.kind !== 'sample') throw new Error(`BUG: not a series: ${key}`);
  return [['__name__', line.name], ...line.labels];
}
