import type { ThrottledLog } from '../../base/log.ts';
import type { ExporterStatus } from '../exporter.ts';
import type { Tried } from '../http/sender.ts';
import type { ExportMetrics } from '../metrics.ts';

/** Why an upload was not accepted. */
interface Failure {
  readonly reason: string;
  readonly hint?: string | undefined;
}

/** Reports on one receiver of entries, in the log, in the self metrics and on the status page. */
export class EntryReport {
  readonly #exporter: string;
  readonly #metrics: ExportMetrics;
  readonly #log: ThrottledLog;
  readonly #now: () => number;
  readonly #failing = new Set<string>();
  #lastSuccessMs: number | undefined;
  #lastTry: Tried | undefined;
  #lastFailure: ExporterStatus['lastFailure'];

  constructor(exporter: string, metrics: ExportMetrics, log: ThrottledLog, now: () => number) {
    this.#exporter = exporter;
    this.#metrics = metrics;
    this.#log = log;
    this.#now = now;
  }

  /** Whether the last attempt failed. */
  get isFailing(): boolean {
    return this.#failing.size > 0;
  }

  /** The last upload for a status page. */
  get status(): Pick<ExporterStatus, 'lastSuccessMs' | 'lastCode' | 'lastFailure' | 'latencyMs'> {
    return {
      ...(this.#lastSuccessMs !== undefined && { lastSuccessMs: this.#lastSuccessMs }),
      ...(this.#lastFailure && { lastFailure: this.#lastFailure }),
      ...(this.#lastTry && {
        lastCode: this.#lastTry.code,
        latencyMs: Math.round(this.#lastTry.durationSeconds * 1000),
      }),
    };
  }

  /** Records an upload attempt. */
  tried(tried: Tried, isOpen: boolean): void {
    const exporter = this.#exporter;
    this.#lastTry = tried;
    this.#metrics.requests.inc({ exporter, code: String(tried.code) });
    this.#metrics.duration.observe({ exporter }, tried.durationSeconds);
    if (tried.wasReset) this.#metrics.connectionResets.inc({ exporter });
    if (tried.clockSkewSeconds !== undefined) this.#metrics.clockSkew.set({ exporter }, tried.clockSkewSeconds);
    this.#metrics.breakerOpen.set({ exporter }, isOpen ? 0 : 1);
  }

  /**
   * Records an acknowledged upload of so many bytes before and after compression. Its time is no metric: without entries
   * there are no uploads, so an old one is no problem.
   */
  delivered(textBytes: number, wireBytes: number): void {
    const exporter = this.#exporter;
    this.#lastSuccessMs = this.#now();
    this.#metrics.bytes.inc({ exporter, form: 'text' }, textBytes);
    this.#metrics.bytes.inc({ exporter, form: 'wire' }, wireBytes);
    this.#metrics.breakerOpen.set({ exporter }, 0);
    if (!this.isFailing) return;
    for (const key of this.#failing) this.#log.over(key);
    this.#failing.clear();
    this.#log.say('info', `${exporter}/entries/recovered`, { exporter }, 'delivery of log entries recovered');
  }

  /** Records a failed upload that is sent again after `waitMs`. */
  retrying(url: string, tried: Tried, failure: Failure, waitMs: number): void {
    const exporter = this.#exporter;
    this.#metrics.retries.inc({ exporter, reason: failure.reason });
    const key = `${exporter}/entries/${failure.reason}`;
    this.#failing.add(key);
    this.#log.over(`${exporter}/entries/recovered`);
    const fields = { ...this.#fields(url, tried, failure), next: `retrying in ${Math.round(waitMs / 100) / 10} s` };
    this.#log.say('warn', key, fields, `log entries not delivered: ${failure.reason}`);
  }

  /** Records entries that the receiver does not take. */
  dropped(url: string, tried: Tried, failure: Failure, entries: number): void {
    const fields = { ...this.#fields(url, tried, failure), entries, next: 'dropped' };
    const key = `${this.#exporter}/entries/dropped ${failure.reason}`;
    this.#log.say('error', key, fields, `log entries dropped: ${failure.reason}`);
  }

  #fields(url: string, { code, text, proxy }: Tried, { hint }: Failure) {
    const between = `sent through the proxy ${proxy}: check it too, or add the host to NO_PROXY`;
    const advice = [hint, ...(proxy === undefined ? [] : [between])].filter((one) => one !== undefined).join('; ');
    const said = text === '' ? `status ${code} without a message` : text;
    this.#lastFailure = { atMs: this.#now(), text: advice === '' ? said : `${said} (${advice})` };
    return { exporter: this.#exporter, url, code, answer: text, hint: advice || undefined };
  }
}
