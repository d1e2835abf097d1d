import type { ExporterView, HistoryView } from '../http/status-view.ts';

const SLOT_MS = 60_000;
const SLOTS = 60;

/** The process at the end of a cycle. */
export interface ProcessUse {
  /** User and system time since the start. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

/** Growth during a slot. */
type Growth = Record<'cpuSeconds' | 'accepted' | 'failed' | 'dropped' | 'skipped', number>;

interface Slot extends Growth {
  readonly atMs: number;
  /** The time span of the growth. */
  spanMs: number;
  rssBytes: number;
  backlogBytes: number;
}

/** The last hour, one slot per minute, in a few kilobytes of memory. */
export class History {
  readonly #slots: Slot[] = [];
  /** The last seen totals since the start; those of receivers by name. */
  readonly #seen = new Map<string, number>();
  #lastMs: number | undefined;

  /** Adds the state at the end of a cycle; `skipped` is the number of skipped cycles since the start. */
  add(atMs: number, use: ProcessUse, exporters: readonly ExporterView[], skipped: number): void {
    const slotMs = atMs - (atMs % SLOT_MS);
    const last = this.#slots.at(-1);
    const slot = last?.atMs === slotMs ? last : this.#begin(slotMs);
    slot.spanMs += atMs - (this.#lastMs ?? atMs);
    // The CPU time of startup does not belong to a minute.
    const cpuSeconds = this.#grown('cpu', use.cpuSeconds);
    if (this.#lastMs !== undefined) slot.cpuSeconds += cpuSeconds;
    slot.skipped += this.#grown('skipped', skipped);
    for (const exporter of exporters) {
      const { name, pushes } = exporter;
      slot.accepted += this.#grown(`accepted ${name}`, pushes?.accepted ?? 0);
      slot.failed += this.#grown(`failed ${name}`, pushes?.failed ?? 0);
      slot.dropped += this.#grown(`dropped ${name}`, droppedBy(exporter));
    }
    slot.rssBytes = use.rssBytes;
    slot.backlogBytes = exporters.reduce((sum, exporter) => sum + waitingBytes(exporter), 0);
    this.#lastMs = atMs;
  }

  get view(): HistoryView {
    const of = (value: (slot: Slot) => number) => this.#slots.map(value);
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

  #begin(atMs: number): Slot {
    const growth: Growth = { cpuSeconds: 0, accepted: 0, failed: 0, dropped: 0, skipped: 0 };
    const slot = { ...growth, atMs, spanMs: 0, rssBytes: 0, backlogBytes: 0 };
    this.#slots.push(slot);
    if (this.#slots.length > SLOTS) this.#slots.shift();
    return slot;
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
