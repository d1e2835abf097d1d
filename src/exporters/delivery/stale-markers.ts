import { backoffMs } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import type { ThrottledLog } from '../../base/log.ts';
import type { Target } from '../../config/identity.ts';
import { countWithin, MAX_ENDED_CHARACTERS } from '../../metrics/ended.ts';
import { parseKey } from '../../metrics/text/parse.ts';
import type { EndedSeries } from '../exporter.ts';
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
  /** Called with the number of series whose markers are not sent. */
  readonly onDropped: (reason: 'too_many' | 'failed', series: number) => void;
}

/** The series of one upload. */
interface MarkerUpload extends Omit<EndedSeries, 'lost'> {
  readonly target: Target;
}

const TRIES = 3;
const TIMEOUT_MS = 10_000;
/** Series per upload. Encoding that many takes a few milliseconds. */
const MAX_SERIES = 1000;
/** A receiver without remote write is not tried again for this long. It may be replaced by one that has it. */
const COOLDOWN_MS = 3_600_000;

/**
 * Marks series as stale at the receiver as soon as they vanish, so that a deleted pod is not shown for five more
 * minutes. Best effort: markers that would exceed the queue ({@link MAX_ENDED_CHARACTERS}) are dropped, others after
 * three failures. The response to the first markers shows whether a receiver has remote write.
 */
export class StaleMarkers {
  readonly #options: StaleMarkerOptions;
  readonly #stopping = new AbortController();
  readonly #cut = new AbortController();
  readonly #queue: MarkerUpload[] = [];
  /** Total length of the queued keys. */
  #characters = 0;
  #working: Promise<void> | undefined;
  #leftAlone = { url: '', untilMs: 0 };

  constructor(options: StaleMarkerOptions) {
    this.#options = options;
  }

  /** Marks these series as stale at the receiver. Returns immediately. */
  end({ keys, lost, ...of }: MarkerUpload & EndedSeries): void {
    if (this.#stopping.signal.aborted || this.#isCoolingDown(this.#options.url(of.target))) return;
    const count = countWithin(keys, MAX_ENDED_CHARACTERS - this.#characters);
    this.#options.onDropped('too_many', lost + keys.length - count);
    for (let start = 0; start < count; start += MAX_SERIES) {
      const piece = { ...of, keys: keys.slice(start, Math.min(start + MAX_SERIES, count)) };
      this.#queue.push(piece);
      this.#characters += lengthOf(piece);
    }
    if (count > 0) this.#working ??= this.#work();
  }

  /** Drops the queue, and resolves when the upload in progress has ended. It is cut off after `deadlineMs`. */
  async close(deadlineMs: number): Promise<void> {
    this.#stopping.abort();
    const cut = setTimeout(() => this.#cut.abort(), deadlineMs);
    await this.#working;
    clearTimeout(cut);
  }

  async #work(): Promise<void> {
    const { exporter, log, onDropped } = this.#options;
    for (let piece = this.#queue.shift(); piece !== undefined; piece = this.#queue.shift()) {
      const outcome = await this.#send(piece).catch((cause: unknown) => {
        const message = 'failed to send stale markers: vanished series stay visible at the receiver for five minutes';
        log.write('error', `${exporter}/stale-markers/error`, { exporter, err: cause }, message);
        return 'failed';
      });
      this.#characters -= lengthOf(piece);
      if (outcome === 'failed') onDropped('failed', piece.keys.length);
    }
    this.#working = undefined;
  }

  async #send({ target, stampMs, keys, mayPush }: MarkerUpload): Promise<'sent' | 'failed' | 'unneeded'> {
    const { url, sender, clock, random } = this.#options;
    const { signal } = this.#stopping;
    if (signal.aborted) return 'unneeded';
    const members = [snappyLiterals(staleMarkers(keys.map(labelsOfKey), stampMs))];
    for (let failures = 0; failures < TRIES; failures++) {
      if (failures > 0) await clock.sleep(backoffMs(failures, random), signal);
      if (signal.aborted || mayPush?.() === false) return 'unneeded';
      const upload: Upload = {
        method: 'POST',
        url: url(target),
        contentType: 'application/x-protobuf',
        compression: 'snappy',
        members,
        timeoutMs: TIMEOUT_MS,
        mayPush,
      };
      if (this.#isCoolingDown(upload.url)) return 'unneeded';
      const attempt = await sender.send(
        upload,
        AbortSignal.any([this.#cut.signal, AbortSignal.timeout(2 * TIMEOUT_MS)]),
      );
      if ((attempt.code === 204 || attempt.code === 200) && attempt.text === '') return 'sent';
      if (this.#failed(upload.url, attempt)) return this.#isCoolingDown(upload.url) ? 'unneeded' : 'failed';
    }
    return 'failed';
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

const lengthOf = ({ keys }: MarkerUpload): number => keys.reduce((sum, { length }) => sum + length, 0);

/** The labels of a series key, with `__name__`. */
function labelsOfKey(key: string): SeriesLabels {
  const { name, labels } = parseKey(key);
  return [['__name__', name], ...labels];
}
