import type { ExporterView } from '../http/status-view.ts';
import { waitingBytes } from './history.ts';

/** A rate over a shorter time is meaningless, because uploads are bursty. */
const SHORTEST_MS = 30_000;
/** Number of points, and the time that they span. */
const WINDOW_MS = 10 * 60_000;
const MAX_POINTS = 64;

interface Point {
  readonly atMs: number;
  readonly bytes: number;
}

/** How fast the backlog of each receiver grows, and when data will be lost. */
export class Forecast {
  readonly #points = new Map<string, Point[]>();

  /** Adds the backlog at the end of a cycle. */
  add(atMs: number, exporters: readonly ExporterView[]): void {
    const names = new Set(exporters.map(({ name }) => name));
    for (const name of this.#points.keys()) if (!names.has(name)) this.#points.delete(name);
    for (const exporter of exporters) {
      const bytes = waitingBytes(exporter);
      const before = this.#points.get(exporter.name) ?? [];
      // A shrinking backlog is not about to be lost: measuring restarts from there.
      const rising = bytes < (before.at(-1)?.bytes ?? 0) ? [] : before.filter((point) => atMs - point.atMs < WINDOW_MS);
      const isDue = atMs - (rising.at(-1)?.atMs ?? 0) >= WINDOW_MS / MAX_POINTS;
      this.#points.set(exporter.name, isDue ? [...rising, { atMs, bytes }] : rising);
    }
  }

  /** Seconds until the oldest batch of a receiver is dropped; undefined if no loss is expected. */
  lossInSeconds(exporter: ExporterView, nowMs: number, intervalMs: number): number | undefined {
    const { limits, memory, spool, state } = exporter;
    if (limits === undefined || (state !== 'retrying' && state !== 'paused')) return undefined;
    // A receiver that refuses each batch for good retries nothing: those are dropped already, and counted as such.
    if (waitingBytes(exporter) === 0) return undefined;
    const oldestMs = Math.min(memory.oldestStampMs ?? nowMs, spool?.oldestStampMs ?? nowMs);
    const rate = this.#bytesPerSecond(exporter.name);
    const held = spool?.bytes ?? memory.bytes;
    const ends = [
      rate > 0 ? (limits.bytes - held) / rate : Number.POSITIVE_INFINITY,
      limits.ageMs === undefined ? Number.POSITIVE_INFINITY : (oldestMs + limits.ageMs - nowMs) / 1000,
      limits.cycles === undefined ? Number.POSITIVE_INFINITY : (oldestMs + limits.cycles * intervalMs - nowMs) / 1000,
    ];
    const first = Math.min(...ends);
    return Number.isFinite(first) ? Math.max(0, Math.round(first)) : undefined;
  }

  #bytesPerSecond(name: string): number {
    const points = this.#points.get(name) ?? [];
    const [first] = points;
    const last = points.at(-1);
    if (first === undefined || last === undefined || last.atMs - first.atMs < SHORTEST_MS) return 0;
    return ((last.bytes - first.bytes) / (last.atMs - first.atMs)) * 1000;
  }
}
