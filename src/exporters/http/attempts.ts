import type { ThrottledLog } from '../../base/log.ts';
import type { ExporterStatus } from '../exporter.ts';
import type { ExportMetrics } from '../metrics.ts';
import type { UploadAttempt } from './sender.ts';

/** Clock skew above this triggers a warning: alerts only evaluate the newest minutes. */
const SKEW_WARNING_SECONDS = 30;

/** What the log says about a failed upload. */
interface AttemptFields {
  readonly exporter: string;
  readonly url: string;
  readonly code: UploadAttempt['code'];
  readonly response: string;
  readonly hint: string | undefined;
}

/** Records the uploads of one exporter, in the self metrics and for the status page. */
export class Attempts {
  readonly #exporter: string;
  readonly #metrics: ExportMetrics;
  readonly #log: ThrottledLog;
  readonly #now: () => number;
  #lastSuccessMs: number | undefined;
  #lastTry: UploadAttempt | undefined;
  #lastFailure: ExporterStatus['lastFailure'];

  constructor(exporter: string, metrics: ExportMetrics, log: ThrottledLog, now: () => number) {
    this.#exporter = exporter;
    this.#metrics = metrics;
    this.#log = log;
    this.#now = now;
  }

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
  attempted(attempt: UploadAttempt): void {
    const exporter = this.#exporter;
    this.#lastTry = attempt;
    this.#metrics.requests.inc({ exporter, code: String(attempt.code) });
    this.#metrics.duration.observe({ exporter }, attempt.durationSeconds);
    if (attempt.wasReset) this.#metrics.connectionResets.inc({ exporter });
    const skewSeconds = attempt.clockSkewSeconds;
    if (skewSeconds === undefined) return;
    this.#metrics.clockSkew.set({ exporter }, skewSeconds);
    if (Math.abs(skewSeconds) > SKEW_WARNING_SECONDS) {
      const message = 'clock differs from the receiver’s: data gets wrong timestamps; check NTP on both';
      this.#log.write('warn', `${exporter}/skew`, { exporter, skewSeconds: Math.round(skewSeconds) }, message);
    }
  }

  /** Records an acknowledged upload with its size before and after compression; returns its time, milliseconds. */
  delivered(textBytes: number, wireBytes: number): number {
    const exporter = this.#exporter;
    this.#lastSuccessMs = this.#now();
    this.#metrics.bytes.inc({ exporter, form: 'text' }, textBytes);
    this.#metrics.bytes.inc({ exporter, form: 'wire' }, wireBytes);
    return this.#lastSuccessMs;
  }

  /** Records an upload to `url` that was not accepted; returns what the log says about it. */
  failed(url: string, { code, text, proxy }: UploadAttempt, hint: string | undefined): AttemptFields {
    const between = `sent through the proxy ${proxy}: check it too, or add the host to NO_PROXY`;
    const advice = [hint, ...(proxy === undefined ? [] : [between])].filter((one) => one !== undefined).join('; ');
    const message = text === '' ? `status ${code} without a message` : text;
    this.#lastFailure = { atMs: this.#now(), text: advice === '' ? message : `${message} (${advice})` };
    return { exporter: this.#exporter, url, code, response: text, hint: advice || undefined };
  }
}
