import { backoffMs } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import type { ThrottledLog } from '../../base/log.ts';
import type { Target } from '../../config/identity.ts';
import { parseText } from '../../metrics/text/parse.ts';
import { withoutQueries } from '../http/response-text.ts';
import type { Sender, Upload, UploadAttempt } from '../http/sender.ts';
import { type SeriesLabels, snappyLiterals, staleMarkers } from './stale-marker-body.ts';

interface StaleMarkerOptions {
  readonly exporter: string;
  /**
   * The remote-write address for series of `target`. Looked up at each attempt, because it may have changed by then.
   */
  readonly url: (target: Target) => string;
  /** Whether the configuration requests markers, or only allows them where the receiver supports them. */
  readonly isWanted: boolean;
  readonly sender: Pick<Sender, 'send'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: ThrottledLog;
}

/** Vanished series. */
interface Ended {
  readonly target: Target;
  readonly stampMs: number;
  /** `name{labels}`. */
  readonly keys: readonly string[];
  /** Called before each attempt: whether this agent may still push for the group. */
  readonly mayPush?: (() => boolean) | undefined;
}

const TRIES = 3;
const TIMEOUT_MS = 10_000;
/**
 * Limit of queued series. Above it, markers are not sent: without one, a series goes stale after five minutes anyway.
 */
const MAX_WAITING = 100_000;
/** Series per upload. Encoding that many takes a few milliseconds. */
const MAX_SERIES = 1000;
/** A receiver without remote write is not tried again for this long. It may be replaced by one that has it. */
const COOLDOWN_MS = 3_600_000;

/**
 * Marks series as stale at the receiver as soon as they vanish, so that a deleted pod is not shown for five more
 * minutes. Best effort: markers are dropped after three failures. The response to the first markers shows whether a
 * receiver has remote write.
 */
export class StaleMarkers {
  readonly #options: StaleMarkerOptions;
  readonly #stopping = new AbortController();
  readonly #cut = new AbortController();
  readonly #queue: Ended[] = [];
  #waiting = 0;
  #working: Promise<void> | undefined;
  #leftAlone = { url: '', untilMs: 0 };

  constructor(options: StaleMarkerOptions) {
    this.#options = options;
  }

  /** Marks these series as stale at the receiver. Returns immediately. */
  end(ended: Ended): void {
    if (this.#stopping.signal.aborted || this.#waiting + ended.keys.length > MAX_WAITING) return;
    this.#queue.push(ended);
    this.#waiting += ended.keys.length;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** Drops the queue, and resolves when the upload in progress has ended. It is cut off after `deadlineMs`. */
  async close(deadlineMs: number): Promise<void> {
    this.#stopping.abort();
    const cut = setTimeout(() => this.#cut.abort(), deadlineMs);
    await this.#working;
    clearTimeout(cut);
  }

  async #work(): Promise<void> {
    for (let ended = this.#queue[0]; ended !== undefined; ended = this.#queue[0]) {
      for (let start = 0; start < ended.keys.length && !this.#stopping.signal.aborted; start += MAX_SERIES) {
        await this.#send(ended, ended.keys.slice(start, start + MAX_SERIES)).catch((cause: unknown) => {
          const { exporter, log } = this.#options;
          const message = 'failed to send stale markers: vanished series stay visible at the receiver for five minutes';
          log.write('error', `${exporter}/stale-markers/error`, { exporter, err: cause }, message);
        });
      }
      this.#queue.shift();
      this.#waiting -= ended.keys.length;
    }
  }

  async #send({ target, stampMs, mayPush }: Ended, keys: readonly string[]): Promise<void> {
    const { url, sender, clock, random } = this.#options;
    const { signal } = this.#stopping;
    const members = [snappyLiterals(staleMarkers(keys.map(labelsOfKey), stampMs))];
    for (let failures = 0; failures < TRIES && !signal.aborted && mayPush?.() !== false; failures++) {
      if (failures > 0) await clock.sleep(backoffMs(failures, random), signal);
      const upload: Upload = {
        method: 'POST',
        url: url(target),
        contentType: 'application/x-protobuf',
        compression: 'snappy',
        members,
        timeoutMs: TIMEOUT_MS,
        mayPush,
      };
      if (this.#isCoolingDown(upload.url)) return;
      const attempt = await sender.send(
        upload,
        AbortSignal.any([this.#cut.signal, AbortSignal.timeout(2 * TIMEOUT_MS)]),
      );
      if ((attempt.code === 204 || attempt.code === 200) && attempt.text === '') return;
      if (this.#failed(upload.url, attempt)) return;
    }
  }

  #isCoolingDown(url: string): boolean {
    return url === this.#leftAlone.url && this.#options.clock.monotonicMs() < this.#leftAlone.untilMs;
  }

  /** Whether a retry is pointless. */
  #failed(url: string, { code, text }: UploadAttempt): boolean {
    const { exporter, isWanted, clock, log } = this.#options;
    const fields = { exporter, url: withoutQueries(url), code, response: text };
    // Everything except an overload or a transport failure would be rejected again.
    const isRejected = typeof code === 'number' && (code < 500 || code === 501) && code !== 429 && code !== 408;
    if (isRejected && !isWanted) {
      this.#leftAlone = { url, untilMs: clock.monotonicMs() + COOLDOWN_MS };
      const message = 'the receiver does not support remote write: vanished series stay visible there for five minutes';
      log.write('info', `${exporter}/stale-markers/none`, fields, message);
    } else {
      const level = isWanted ? 'warn' : 'info';
      const message = 'failed to send stale markers: vanished series stay visible at the receiver for five minutes';
      log.write(level, `${exporter}/stale-markers`, fields, message);
    }
    return isRejected;
  }
}

/** The labels of a series key, with `__name__`. */
function labelsOfKey(key: string): SeriesLabels {
  const [line] = parseText(`${key} 0\n`);
  if (line?.kind !== 'sample') throw new Error(`BUG: not a series: ${key}`);
  return [['__name__', line.name], ...line.labels];
}
