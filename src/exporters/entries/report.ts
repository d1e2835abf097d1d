import type { ThrottledLog } from '../../base/log.ts';
import type { ExporterStatus } from '../exporter.ts';
import { Attempts } from '../http/attempts.ts';
import type { UploadAttempt } from '../http/sender.ts';
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
  readonly #attempts: Attempts;
  readonly #failing = new Set<string>();

  constructor(exporter: string, metrics: ExportMetrics, log: ThrottledLog, now: () => number) {
    this.#exporter = exporter;
    this.#metrics = metrics;
    this.#log = log;
    this.#attempts = new Attempts(exporter, metrics, log, now);
  }

  /** Whether the last attempt failed. */
  get isFailing(): boolean {
    return this.#failing.size > 0;
  }

  /** State of the last upload, for the status page. */
  get status(): Pick<ExporterStatus, 'lastSuccessMs' | 'lastCode' | 'lastFailure' | 'latencyMs'> {
    return this.#attempts.status;
  }

  /** Records an upload attempt. */
  attempted(attempt: UploadAttempt, isOpen: boolean): void {
    this.#attempts.attempted(attempt);
    this.#metrics.breakerOpen.set({ exporter: this.#exporter }, isOpen ? 0 : 1);
  }

  /**
   * Records an acknowledged upload with its size before and after compression. Its time is not a metric: without
   * entries there are no uploads, so an old one is not a problem.
   */
  delivered(textBytes: number, wireBytes: number): void {
    const exporter = this.#exporter;
    this.#attempts.delivered(textBytes, wireBytes);
    this.#metrics.breakerOpen.set({ exporter }, 0);
    if (!this.isFailing) return;
    for (const key of this.#failing) this.#log.over(key);
    this.#failing.clear();
    this.#log.write('info', `${exporter}/entries/recovered`, { exporter }, 'delivery of log entries recovered');
  }

  /** Records a failed upload that is retried after `waitMs`. */
  retrying(url: string, attempt: UploadAttempt, failure: Failure, waitMs: number): void {
    const exporter = this.#exporter;
    this.#metrics.retries.inc({ exporter, reason: failure.reason });
    const key = `${exporter}/entries/${failure.reason}`;
    this.#failing.add(key);
    this.#log.over(`${exporter}/entries/recovered`);
    const fields = {
      ...this.#attempts.failed(url, attempt, failure.hint),
      next: `retrying in ${Math.round(waitMs / 100) / 10} s`,
    };
    this.#log.write('warn', key, fields, `log entries not delivered: ${failure.reason}`);
  }

  /** Records entries that the receiver rejects. */
  dropped(url: string, attempt: UploadAttempt, failure: Failure, entries: number): void {
    const fields = { ...this.#attempts.failed(url, attempt, failure.hint), entries, next: 'dropped' };
    const key = `${this.#exporter}/entries/dropped ${failure.reason}`;
    this.#log.write('error', key, fields, `log entries dropped: ${failure.reason}`);
  }
}
