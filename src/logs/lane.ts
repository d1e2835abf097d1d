import { join } from 'node:path';
import { REAL_CLOCK } from '../base/clock.ts';
import { errorText } from '../base/error-text.ts';
import type { ThrottledLog } from '../base/log.ts';
import type { LogLaneView } from '../http/status-view.ts';
import type { LogEntry } from './entry.ts';
import { InFlight, type InFlightBatch } from './in-flight.ts';
import type { LogMetrics } from './metrics.ts';
import { PositionFile, readPosition } from './position-file.ts';
import type { EntryBatch, LogSink, Shipped } from './sink.ts';
import type { EntryTarget, LogRead, LogSource, LogSourceType, SavedPosition } from './source.ts';

/** Options of a lane. */
interface LaneOptions {
  readonly exporter: string;
  readonly sink: LogSink;
  readonly type: LogSourceType;
  /** The folder for persistent state; undefined without `spool.path`. */
  readonly folder: string | undefined;
  readonly redact: ((entry: LogEntry) => LogEntry) | undefined;
  readonly metrics: Pick<LogMetrics, 'entries' | 'dropped' | 'bytes' | 'saveErrors'>;
  readonly log: ThrottledLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** How often an idle source is polled, and a position is saved. */
const EVERY_MS = 1000;
/** Timeout for uploads when the lane stops; longer ones are sent again by its successor. */
const STOP_MS = 5000;

/**
 * Ships one source to one receiver. Reads only while the receiver has room; entries are in memory only until they are
 * acknowledged, and the position on disk is that of the last acknowledged batch before which none is outstanding.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #inFlight = new InFlight();
  readonly #file: PositionFile;
  readonly #stopping = new AbortController();
  readonly #sending = new Set<Promise<void>>();
  readonly #dropped: Record<string, number> = {};
  #source: LogSource | undefined;
  /** The last one that failed. */
  #failed: LogSource | undefined;
  /** The end of the last batch read. */
  #after: SavedPosition | undefined;
  /** The last acknowledged position. */
  #acknowledged: SavedPosition | undefined;
  /** The position that was saved last, or is to be. */
  #put: string | undefined;
  #working: Promise<void> | undefined;
  #room = Promise.withResolvers<void>();
  #acked = 0;
  #lastAckMs: number | undefined;
  /** Whether the last read failed. */
  #isFailing: boolean = false;
  /** Batches that could not be sent because of an error in the agent, and are sent again. */
  readonly #unsent = new Set<EntryBatch>();
  #lastError: LogLaneView['lastError'];
  #lost: Readonly<Record<string, number>> = {};

  constructor(options: LaneOptions) {
    const { folder, type } = options;
    this.#options = options;
    this.#file = new PositionFile(
      folder && join(folder, `${type.name}.json`),
      EVERY_MS,
      ({ position }) => this.#source?.acknowledged(position),
      (cause) => {
        options.metrics.saveErrors.inc(this.#of);
        this.#problem('failed to save the position', cause);
      },
    );
  }

  start(): void {
    this.#working ??= this.#work();
  }

  /** Stops reading, waits for uploads in progress as long as the receiver does, and saves the position. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#room.resolve();
    await this.#working;
    const end = new AbortController();
    await Promise.race([Promise.all(this.#sending), REAL_CLOCK.sleep(STOP_MS, end.signal)]);
    end.abort();
    await this.#file.flush();
    await this.#source?.close();
    this.#source = undefined;
  }

  status(): LogLaneView {
    const waiting = this.#source?.waiting;
    const inFlight = this.#inFlight.entries;
    const oldestMs = this.#inFlight.oldestMs;
    this.#lost = this.#source?.lost ?? this.#lost;
    return {
      ...this.#of,
      inFlight,
      lagSeconds: oldestMs === undefined ? 0 : Math.max(0, (this.#options.now() - oldestMs) / 1000),
      ...(waiting !== undefined && { lagEntries: waiting + inFlight }),
      lost: this.#lost,
      lostBytes: this.#source?.lostBytes ?? {},
      acked: this.#acked,
      dropped: this.#dropped,
      failing: this.#isFailing || this.#unsent.size > 0,
      ...(this.#lastAckMs !== undefined && { lastAckMs: this.#lastAckMs }),
      ...(this.#lastError && { lastError: this.#lastError }),
    };
  }

  get #of() {
    return { source: this.#options.type.name, exporter: this.#options.exporter };
  }

  async #work(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        this.#source ??= await this.#open();
        await this.#ship(this.#source, signal);
      } catch (cause) {
        if (signal.aborted) return;
        this.#isFailing = true;
        this.#problem('the source of log entries is unusable', cause);
        // Entries that it read may be lost: another one starts after the last batch.
        await this.#source?.close();
        this.#failed = this.#source ?? this.#failed;
        this.#source = undefined;
        await REAL_CLOCK.sleep(EVERY_MS, signal);
      }
    }
  }

  async #open(): Promise<LogSource> {
    const { type, folder, exporter } = this.#options;
    const begin = this.#after ?? this.#acknowledged;
    const successor = begin && this.#failed?.successor?.(begin);
    if (successor !== undefined) return successor;
    if (this.#after !== undefined) return type.open(this.#after, folder, exporter);
    const unusable = (problem: Error) => this.#problem('the saved position is unusable', problem);
    const saved = folder === undefined ? undefined : await readPosition(join(folder, `${type.name}.json`), unusable);
    this.#acknowledged = saved;
    this.#put = saved?.position;
    return type.open(saved, folder, exporter);
  }

  /** Reads and sends until `signal` fires. */
  async #ship(source: LogSource, signal: AbortSignal): Promise<void> {
    const { sink } = this.#options;
    const completing = source.complete && setInterval(() => this.#save(source), EVERY_MS).unref();
    try {
      while (!signal.aborted) {
        while (this.#inFlight.batches >= sink.maxInFlight && !signal.aborted) await this.#room.promise;
        if (signal.aborted) return;
        const read = await this.#read(source, signal);
        if (read === undefined && source.more !== undefined) await source.more(signal);
        // Sparse entries are combined to one batch per second.
        if (read?.isDrained !== false) await REAL_CLOCK.sleep(EVERY_MS, signal);
      }
    } finally {
      clearInterval(completing);
      this.#save(source);
    }
  }

  /** Saves the last acknowledged position, completed by what `source` has found since. */
  #save(source: LogSource): void {
    const acked = this.#acknowledged;
    if (acked === undefined) return;
    let { position } = acked;
    try {
      position = source.complete?.(position) ?? position;
    } catch (cause) {
      // The next read fails for the same reason, and opens the source again.
      this.#problem('failed to check for new files', cause);
    }
    if (position === this.#put) return;
    this.#put = position;
    this.#file.put({ ...acked, position });
  }

  /** Reads a batch and sends it; undefined if the source has no entries. */
  async #read(source: LogSource, signal: AbortSignal): Promise<LogRead | undefined> {
    const { sink, type, redact } = this.#options;
    const batch = sink.begin(type.name);
    let isSent = false;
    try {
      const read = await source.read(redact === undefined ? batch : redacting(batch, redact), signal);
      this.#isFailing = false;
      if (read === undefined) return undefined;
      isSent = batch.count > 0;
      this.#send(source, batch, read.position);
      return read;
    } finally {
      if (!isSent) batch.release();
    }
  }

  #send(source: LogSource, batch: EntryBatch, position: string): void {
    const { now } = this.#options;
    const after: SavedPosition = { position, lost: source.lost };
    this.#after = after;
    const sinceMs = (batch.sinceUs ?? now() * 1000) / 1000;
    const flying = this.#inFlight.add({ after, entries: batch.count, sinceMs });
    if (batch.count === 0) {
      this.#settle(source, flying);
      return;
    }
    const sent: Promise<void> = this.#deliver(batch).then((shipped) => {
      this.#sending.delete(sent);
      batch.release();
      if (shipped === undefined) return;
      const { entries: outcomes, dropped, bytes } = this.#options.metrics;
      this.#acked += shipped.accepted;
      this.#lastAckMs = now();
      outcomes.inc({ ...this.#of, outcome: 'acked' }, shipped.accepted);
      bytes.inc(this.#of, shipped.bytes);
      if (shipped.retried > 0) outcomes.inc({ ...this.#of, outcome: 'retried' }, shipped.retried);
      for (const [reason, count] of shipped.dropped) {
        outcomes.inc({ ...this.#of, outcome: 'dropped' }, count);
        dropped.inc({ ...this.#of, reason }, count);
        this.#dropped[reason] = (this.#dropped[reason] ?? 0) + count;
      }
      this.#settle(source, flying);
    });
    this.#sending.add(sent);
  }

  /** Delivers a batch; retries after an error in the agent, such as no memory for compression: entries must not be lost. */
  async #deliver(batch: EntryBatch): Promise<Shipped | undefined> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const shipped = await this.#options.sink.ship(batch, signal);
        this.#unsent.delete(batch);
        return shipped;
      } catch (cause) {
        this.#unsent.add(batch);
        this.#problem('failed to send a batch; retrying', cause);
        await REAL_CLOCK.sleep(EVERY_MS, signal);
      }
    }
    return undefined;
  }

  #settle(source: LogSource, flying: InFlightBatch): void {
    const acked = this.#inFlight.settle(flying);
    if (acked !== undefined) {
      this.#acknowledged = acked;
      this.#save(source);
    }
    this.#room.resolve();
    this.#room = Promise.withResolvers();
  }

  #problem(message: string, cause: unknown): void {
    this.#lastError = { atMs: this.#options.now(), text: `${message}: ${errorText(cause)}` };
    const { source, exporter } = this.#of;
    this.#options.log.write('warn', `logs ${source} ${exporter} ${message}`, { source, exporter, err: cause }, message);
  }
}

/** A target that receives redacted entries. */
const redacting = (target: EntryTarget, redact: (entry: LogEntry) => LogEntry): EntryTarget => ({
  get count() {
    return target.count;
  },
  get isFull() {
    return target.isFull;
  },
  add: (entry) => target.add(redact(entry)),
});
