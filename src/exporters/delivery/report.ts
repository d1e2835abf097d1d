import type { ThrottledLog } from '../../base/log.ts';
import type { Group } from '../../metrics/group.ts';
import { type Batch, type ExporterStatus, wireBytes } from '../exporter.ts';
import { Attempts } from '../http/attempts.ts';
import type { ResponseRule } from '../http/responses.ts';
import type { UploadAttempt } from '../http/sender.ts';
import type { ExportMetrics } from '../metrics.ts';

/** Reports on one exporter, in the log, in the self metrics and on the status page. */
export class Report {
  readonly #exporter: string;
  readonly #metrics: ExportMetrics;
  readonly #log: ThrottledLog;
  readonly #attempts: Attempts;
  /** Log keys of the failures since the last success of a group. */
  readonly #failing = new Map<Group, Set<string>>();
  /** The families omitted from the last push of a group. */
  readonly #leftOut = new Map<Group, readonly string[]>();
  readonly #dropped: Record<string, number> = {};
  #isFailing: boolean = false;
  #sentSamples = 0;
  #accepted = 0;
  #failed = 0;
  #highestSentMs = 0;

  constructor(exporter: string, metrics: ExportMetrics, log: ThrottledLog, now: () => number) {
    this.#exporter = exporter;
    this.#metrics = metrics;
    this.#log = log;
    this.#attempts = new Attempts(exporter, metrics, log, now);
  }

  /** Whether the last attempt of a batch, or that of any group, failed. */
  get isFailing(): boolean {
    return this.#isFailing || this.#failing.size > 0;
  }

  /** The upload status for a status page. */
  get status(): Pick<
    ExporterStatus,
    'lastSuccessMs' | 'lastCode' | 'lastFailure' | 'latencyMs' | 'pushes' | 'sentSamples' | 'dropped'
  > {
    return {
      pushes: { accepted: this.#accepted, failed: this.#failed },
      sentSamples: this.#sentSamples,
      dropped: this.#dropped,
      ...this.#attempts.status,
    };
  }

  /** Records an upload attempt. */
  attempted(attempt: UploadAttempt): void {
    this.#attempts.attempted(attempt);
  }

  /** Records an acknowledged batch. */
  delivered(batch: Omit<Batch, 'encoding'>): void {
    const exporter = this.#exporter;
    this.#isFailing = false;
    this.#accepted++;
    this.#sentSamples += batch.samples;
    const nowMs = this.#attempts.delivered(batch.textBytes, wireBytes(batch));
    this.#highestSentMs = Math.max(this.#highestSentMs, batch.stampMs);
    this.#metrics.samplesSent.inc({ exporter }, batch.samples);
    this.#metrics.lastSuccess.set({ exporter }, nowMs / 1000);
    this.#metrics.highestSent.set({ exporter }, this.#highestSentMs / 1000);
    const complaints = this.#failing.get(batch.group);
    if (!complaints) return;
    this.#failing.delete(batch.group);
    const others = [...this.#failing.values()];
    for (const key of complaints) if (!others.some((keys) => keys.has(key))) this.#log.over(key);
    if (others.length > 0) return;
    this.#log.write('info', `${exporter}/recovered`, { exporter }, 'delivery recovered');
  }

  /**
   * Records a batch that was not accepted. `waitMs` is the time until the next attempt, undefined when there is none.
   */
  failed(batch: Batch, url: string, attempt: UploadAttempt, rule: ResponseRule, waitMs: number | undefined): void {
    const exporter = this.#exporter;
    const { group } = batch;
    this.#isFailing = true;
    this.#failed++;
    const failed = this.#attempts.failed(url, attempt, rule.hint);
    if (waitMs !== undefined) this.#metrics.retries.inc({ exporter, reason: rule.reason });
    // What keeps a batch waiting concerns the address: the groups that fail for the same reason are logged once.
    const key = waitMs ? `${exporter}/${rule.reason}` : `${exporter}/${group}/${rule.reason}`;
    this.#failing.set(group, (this.#failing.get(group) ?? new Set()).add(key));
    this.#log.over(`${exporter}/recovered`);
    const next = waitMs === undefined ? 'batch dropped' : `retrying in ${Math.round(waitMs / 100) / 10} s`;
    this.#log.write(
      waitMs === undefined ? 'error' : 'warn',
      key,
      { ...failed, group, next },
      `push failed: ${rule.reason}`,
    );
  }

  /** Records dropped samples. Undefined for a batch with an unknown number of samples. */
  readonly dropped = (reason: string, samples: number | undefined): void => {
    if (samples === undefined) {
      this.#metrics.unknownDropped.inc({ exporter: this.#exporter, reason });
      return;
    }
    this.#dropped[reason] = (this.#dropped[reason] ?? 0) + samples;
    this.#metrics.samplesDropped.inc({ exporter: this.#exporter, reason }, samples);
  };

  /** Records samples that the receiver's format cannot express. */
  unsupported(samples: number): void {
    if (samples > 0) this.dropped('unsupported', samples);
  }

  /** Records stale markers that were not sent. */
  readonly markersDropped = (reason: 'too_many' | 'failed', series: number): void => {
    if (series === 0) return;
    const exporter = this.#exporter;
    this.#metrics.markersDropped.inc({ exporter, reason }, series);
    // A failure is logged with its response.
    if (reason === 'failed') return;
    const message = 'too many series vanished at once: some stay visible at the receiver for five minutes';
    this.#log.write('warn', `${exporter}/stale-markers/too_many`, { exporter, series }, message);
  };

  /** Records a batch that can't be read, to be written in another way. */
  unreadable(group: Group, samples: number, cause: unknown): void {
    const exporter = this.#exporter;
    this.dropped('unreadable', samples);
    const fields = { exporter, group, err: cause, next: 'batch dropped' };
    this.#log.write('error', `${exporter}/${group}/unreadable`, fields, 'failed to decode a batch');
  }

  /** Records that a family is omitted from a group from now on, because the receiver rejects it. */
  rejectedFamily(group: Group, url: string, family: string, reason: string): void {
    const fields = { exporter: this.#exporter, group, url, family, response: reason, next: 'retrying it in an hour' };
    const message = 'the receiver rejects this family: it is omitted, the rest of the group is sent';
    this.#log.write('error', `${this.#exporter}/${group}/family ${family}`, fields, message);
  }

  /** Records that an omitted family was accepted again. */
  acceptedAgain(group: Group, family: string): void {
    const exporter = this.#exporter;
    this.#log.over(`${exporter}/${group}/family ${family}`);
    this.#log.write(
      'info',
      `${exporter}/${group}/again ${family}`,
      { exporter, group, family },
      'family accepted again',
    );
  }

  /** Records the samples, by family, that were omitted from an accepted push. */
  leftOut(group: Group, out: ReadonlyMap<string, number>): void {
    const exporter = this.#exporter;
    for (const family of this.#leftOut.get(group) ?? []) {
      if (!out.has(family)) this.#metrics.leftOut.remove({ exporter, group, family });
    }
    if (out.size === 0) this.#leftOut.delete(group);
    else this.#leftOut.set(group, [...out.keys()]);
    for (const [family, samples] of out) {
      this.#metrics.leftOut.set({ exporter, group, family }, samples);
      this.dropped('family_refused', samples);
    }
  }

  /** Records an acknowledged batch from disk. */
  replayed(): void {
    this.#metrics.replayed.inc({ exporter: this.#exporter });
  }

  /** Records an unusable file on disk. */
  readonly setAside = (): void => {
    this.#metrics.setAside.inc({ exporter: this.#exporter });
  };

  /** Records the queue, and whether the receiver accepts uploads. */
  queue({ memory, spool }: Pick<ExporterStatus, 'memory' | 'spool'>, memoryLimitBytes: number, isOpen: boolean): void {
    const exporter = this.#exporter;
    const { queueBatches, queueBytes, queueLimit, queueOldest, breakerOpen } = this.#metrics;
    const tiers = [
      { tier: 'memory', ...memory, limitBytes: memoryLimitBytes },
      ...(spool ? [{ tier: 'disk', ...spool }] : []),
    ];
    for (const { tier, bodies, bytes, limitBytes } of tiers) {
      queueBatches.set({ exporter, tier }, bodies);
      queueBytes.set({ exporter, tier }, bytes);
      queueLimit.set({ exporter, tier }, limitBytes);
    }
    const oldest = Math.min(...[memory, spool].map((tier) => tier?.oldestStampMs ?? Number.POSITIVE_INFINITY));
    if (Number.isFinite(oldest)) queueOldest.set({ exporter }, oldest / 1000);
    else queueOldest.remove({ exporter });
    breakerOpen.set({ exporter }, isOpen ? 0 : 1);
    if (!spool) return;
    this.#metrics.spoolUsable.set({ exporter }, spool.trouble === undefined ? 1 : 0);
    this.#metrics.spoolForeign.set({ exporter }, spool.foreign);
  }
}
