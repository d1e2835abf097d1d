import { monotonicMs, REAL_CLOCK } from '../../base/clock.ts';
import type { Report } from '../delivery/report.ts';
import type { ExporterStatus } from '../exporter.ts';
import type { SpoolEntry } from '../spool/folder.ts';
import type { Spool } from '../spool/spool.ts';
import { FifoQueue } from './queue.ts';
import { fromText, type SampleBatch, toText } from './sample-batch.ts';

/** How often to check a folder that another process uses. */
const POLL_MS = 1000;
/** A replaced agent releases its folder within this time. Batches on disk have to be sent first. */
const FOLDER_MS = 15_000;

/** The next batch, and its file if it comes from disk. */
interface Next {
  readonly batch: SampleBatch;
  readonly entry?: SpoolEntry;
}

/**
 * The batches that wait for one receiver, in the order in which they must be sent: those on disk are older than those
 * in memory. Batches that memory cannot hold go to disk.
 */
export class Backlog {
  readonly #queue: FifoQueue;
  readonly #limits: { readonly cycles: number; readonly bytes: number };
  readonly #spool: Spool | undefined;
  readonly #report: Report;
  /** Batches being written to the spool. */
  readonly #moving = new Set<Promise<void>>();
  /** Number of batches moved from memory to disk. */
  #moved = 0;

  constructor(limits: { readonly cycles: number; readonly bytes: number }, spool: Spool | undefined, report: Report) {
    this.#queue = new FifoQueue(limits);
    this.#limits = limits;
    this.#spool = spool;
    this.#report = report;
  }

  /** Limits of the queue, beyond which the oldest batch is dropped. */
  get limits(): NonNullable<ExporterStatus['limits']> {
    return this.#spool?.limits ?? this.#limits;
  }

  get sizes(): Pick<ExporterStatus, 'memory' | 'spool'> {
    return { memory: this.#queue.sizes, ...(this.#spool && { spool: this.#spool.sizes }) };
  }

  /** Adds the newest batch. */
  add(batch: SampleBatch): void {
    for (const displaced of this.#queue.add(batch)) this.#move(displaced, 'queue_full');
  }

  /**
   * The oldest batch. While closing, batches on disk stay there, and newer ones must follow them, so none is returned.
   */
  async next(isClosing: boolean): Promise<Next | undefined> {
    for (;;) {
      const moved = this.#moved;
      await Promise.all(this.#moving);
      const entry = this.#spool?.isOpen ? await this.#spool.oldest() : undefined;
      if (entry && isClosing) return undefined;
      const stored = entry && (await this.#spool?.read(entry));
      if (entry && stored) return { batch: fromText(stored), entry };
      // Batches that left memory in the meantime are older than those still in memory.
      if (entry || moved !== this.#moved) continue;
      const batch = this.#queue.take();
      return batch && { batch };
    }
  }

  /** Forgets the file of a batch that was sent or dropped. */
  async settle({ entry }: Next): Promise<void> {
    if (entry === undefined) return;
    await this.#spool?.remove(entry);
    this.#report.replayed();
  }

  /** Opens the folder if it becomes available soon. Otherwise continues without it, and calls `onOpen` later. */
  async open(signal: AbortSignal, onOpen: () => void): Promise<void> {
    const spool = this.#spool;
    if (spool === undefined) return;
    const deadline = monotonicMs() + FOLDER_MS;
    while (!(await spool.open())) {
      if (signal.aborted) return;
      if (monotonicMs() > deadline) {
        void this.#keepOpening(spool, signal, onOpen);
        return;
      }
      await REAL_CLOCK.sleep(POLL_MS, signal);
    }
  }

  /** Limits all remaining disk work to this time from now. */
  hurry(withinMs: number): void {
    this.#spool?.hurry(withinMs);
  }

  /** Writes the remaining batches and `unsent` to disk, and releases the folder. */
  async close(unsent: SampleBatch | undefined): Promise<void> {
    if (unsent) this.#move(unsent, 'shutdown');
    for (let batch = this.#queue.take(); batch !== undefined; batch = this.#queue.take()) this.#move(batch, 'shutdown');
    await Promise.all(this.#moving);
    await this.#spool?.close();
  }

  async #keepOpening(spool: Spool, signal: AbortSignal, onOpen: () => void): Promise<void> {
    do await REAL_CLOCK.sleep(POLL_MS, signal);
    while (!signal.aborted && !(await spool.open()));
    onOpen();
  }

  /** Writes a batch to disk, or drops it for `reason`. */
  #move(batch: SampleBatch, reason: string): void {
    this.#moved++;
    const moving: Promise<void> = this.#overflow(batch, reason)
      // Text that can't be decompressed.
      .catch((cause: unknown) => this.#report.unreadable(batch.group, batch.samples, cause))
      .finally(() => this.#moving.delete(moving));
    this.#moving.add(moving);
  }

  async #overflow(batch: SampleBatch, reason: string): Promise<void> {
    if (batch.mayPush?.() === false) this.#report.dropped('not_master', batch.samples);
    else if (this.#spool === undefined) this.#report.dropped(reason, batch.samples);
    // From here on the spool itself keeps the order, however long its disk takes.
    else void this.#spool.put(await toText(batch));
  }
}
