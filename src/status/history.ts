import type { ExporterView, HistoryView } from '../http/status-view.ts';

const MINUTE_MS = 60_000;
const MINUTES = 60;

/** The process at the end of a cycle. */
export interface ProcessUse {
  /** User and system time since the start. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

/** Growth during one minute. */
type Growth = Record<'cpuSeconds' | 'accepted' | 'failed' | 'dropped' | 'skipped', number>;

interface Minute extends Growth {
  readonly atMs: number;
  /** The time span of the growth. */
  spanMs: number;
  rssBytes: number;
  backlogBytes: number;
}

/** The last hour, one point per minute, in a few kilobytes of memory. */
export class History {
  readonly #minutes: Minute[] = [];
  /** The last seen totals since the start; those of receivers by name. */
  readonly #seen = new Map<string, number>();
  #lastMs: number | undefined;

  /** Adds the state at the end of a cycle; `skipped` is the number of skipped cycles since the start. */
  add(atMs: number, use: ProcessUse, exporters: readonly ExporterView[], skipped: number): void {
    const minuteMs = atMs - (atMs % MINUTE_MS);
    const last = this.#minutes.at(-1);
    const minute = last?.atMs === minuteMs ? last : this.#begin(minuteMs);
    minute.spanMs += atMs - (this.#lastMs ?? atMs);
    // The CPU time of startup does not belong to a minute.
    const cpuSeconds = this.#grown('cpu', use.cpuSeconds);
    if (this.#lastMs !== undefined) minute.cpuSeconds += cpuSeconds;
    minute.skipped += this.#grown('skipped', skipped);
    for (const exporter of exporters) {
      const { name, pushes } = exporter;
      minute.accepted += this.#grown(`accepted ${name}`, pushes?.accepted ?? 0);
      minute.failed += this.#grown(`failed ${name}`, pushes?.failed ?? 0);
      minute.dropped += this.#grown(`dropped ${name}`, droppedBy(exporter));
    }
    minute.rssBytes = use.rssBytes;
    minute.backlogBytes = exporters.reduce((sum, exporter) => sum + waitingBytes(exporter), 0);
    this.#lastMs = atMs;
  }

  get view(): HistoryView {
    const of = (value: (minute: Minute) => number) => this.#minutes.map(value);
    return {
      atMs: of(({ atMs }) => atMs),
      cpuSeconds: of(({ cpuSeconds, spanMs }) => perSecond(cpuSeconds, spanMs)),
      rssBytes: of(({ rssBytes }) => rssBytes),
      backlogBytes: of(({ backlogBytes }) => backlogBytes),
      accepted: of(({ accepted }) => accepted),
      failed: of(({ failed }) => failed),
      droppedSamples: of(({ dropped }) => dropped),
      skipped: of(({ skipped }) => skipped),
    };
  }

  #begin(atMs: number): Minute {
    const growth: Growth = { cpuSeconds: 0, accepted: 0, failed: 0, dropped: 0, skipped: 0 };
    const minute = { ...growth, atMs, spanMs: 0, rssBytes: 0, backlogBytes: 0 };
    this.#minutes.push(minute);
    if (this.#minutes.length > MINUTES) this.#minutes.shift();
    return minute;
  }

  /** Growth of a total since it was last seen. A receiver that a reload has replaced counts from zero again. */
  #grown(key: string, sum: number): number {
    const before = this.#seen.get(key) ?? 0;
    this.#seen.set(key, sum);
    return sum >= before ? sum - before : sum;
  }
}

const perSecond = (seconds: number, milliseconds: number): number =>
  milliseconds > 0 ? Math.round((seconds / milliseconds) * 1e6) / 1000 : 0;

/** Dropped without loss: another agent pushes them, or a newer push replaced them. */
const HARMLESS = ['not_master', 'replaced'];

const droppedBy = ({ dropped }: ExporterView): number =>
  Object.entries(dropped).reduce((sum, [reason, samples]) => (HARMLESS.includes(reason) ? sum : sum + samples), 0);

/** Backlog of a receiver, in memory and on disk. */
export const waitingBytes = ({ memory, spool }: ExporterView): number => memory.bytes + (spool?.bytes ?? 0);
