import { join } from 'node:path';
import { errorCode, errorText } from '../../base/error-text.ts';
import type { AddressedBatch } from '../exporter.ts';
import { Disk, DiskStalled } from './disk.ts';
import { SpoolEntries } from './entries.ts';
import { inspectFolder, isDenied, readEntry, remedyOf, type SpoolEntry, setAside, writeDurably } from './folder.ts';
import { fileParts, readFile, UnusableFile } from './format.ts';
import { lockFolder, type Unlock } from './lock.ts';
import type { SpoolOptions, SpoolStatus } from './spool-options.ts';
import { type WaitingBatch, WaitingBatches } from './waiting.ts';

const DISK_IS_FULL = new Set(['ENOSPC', 'EDQUOT']);

/**
 * The batches of one receiver queued on disk, one file each, used by this process exclusively. Never throws on disk
 * errors: batches that can't be written are dropped, counted and reported. All work is serialized. A disk that does not
 * respond only costs memory: batches waiting for it stay in memory within its limit.
 */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #disk: Disk;
  readonly #entries: SpoolEntries;
  #unlock: Unlock | undefined;
  #work: Promise<unknown> = Promise.resolve();
  readonly #waiting: WaitingBatches;
  #foreign = 0;
  #trouble: string | undefined = 'not open yet';
  #isEnding: boolean = false;
  /** The folder could not be opened because the disk did not respond. Waiting batches are kept until it does. */
  #isComing: boolean = false;

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#disk = options.disk ?? new Disk();
    this.#entries = new SpoolEntries();
    this.#waiting = new WaitingBatches(options.maxWaitingBytes, options.onDrop);
  }

  /** Capacity, beyond which the oldest batch is dropped. */
  get limits(): { readonly bytes: number; readonly ageMs: number } {
    return { bytes: this.#options.maxBytes, ageMs: this.#options.maxAgeMs };
  }

  get sizes(): SpoolStatus {
    const { oldest } = this.#entries;
    const stamps = [...(oldest ? [oldest.stampMs] : []), ...this.#waiting.stampsMs];
    const trouble = this.#disk.stalled ? 'the disk does not respond' : this.#trouble;
    return {
      bodies: this.#entries.count + this.#waiting.count,
      bytes: this.#entries.bytes + this.#waiting.bytes,
      limitBytes: this.#options.maxBytes,
      foreign: this.#foreign,
      ...(stamps.length > 0 && { oldestStampMs: Math.min(...stamps) }),
      ...(trouble !== undefined && { trouble }),
    };
  }

  /** Whether this process has locked the folder. */
  get isOpen(): boolean {
    return this.#unlock !== undefined;
  }

  /** Locks the folder and takes over what an earlier run left there. False while it is unavailable. */
  open(): Promise<boolean> {
    return this.#inTurn(async () => {
      const { folder, log } = this.#options;
      try {
        await this.#disk.run(`make ${folder}`, (io) => io.mkdir(folder, { recursive: true, mode: 0o700 }));
        this.#unlock = await lockFolder(this.#disk, folder);
        if (!this.#unlock) {
          this.#trouble = 'another process uses the folder';
          this.#report('warn', 'locked', this.#trouble, 'waiting for it to exit; keeping batches in memory');
          return false;
        }
        await this.#takeStock();
        await this.#makeRoom(0);
        this.#trouble = undefined;
        this.#isComing = false;
        log.over(`spool ${folder} open`);
        await this.#writeWaiting();
        return true;
      } catch (cause) {
        this.#trouble = errorText(cause);
        this.#isComing = cause instanceof DiskStalled;
        this.#report(
          'error',
          'open',
          this.#trouble,
          `continuing without the disk and retrying; ${remedyOf(cause, this.#options.folder)}`,
        );
        this.#entries.clear();
        await this.#unlock?.();
        this.#unlock = undefined;
        return false;
      }
    });
  }

  /** Writes a batch. Resolves when it is durable or dropped. The oldest batches make room for it. */
  put(batch: AddressedBatch): Promise<void> {
    const promise = this.#waiting.add(batch);
    void this.#inTurn(() => this.#writeWaiting());
    return promise;
  }

  /** The oldest batch that may still be sent. Waits for work in progress. Undefined while the disk does not respond. */
  oldest(): Promise<SpoolEntry | undefined> {
    return this.#inTurn(async () => {
      if (this.#disk.stalled) return undefined;
      await this.#makeRoom(0);
      return this.#entries.oldest;
    });
  }

  /**
   * The batch of an entry. Undefined when it is unavailable now, or its file is missing or corrupt, which is counted.
   */
  read(entry: SpoolEntry): Promise<AddressedBatch | undefined> {
    return this.#inTurn(async () => {
      const path = join(this.#options.folder, entry.file);
      try {
        return await readFile(await this.#disk.run(`read ${path}`, (io) => readEntry(io, path, entry.bytes)));
      } catch (cause) {
        if (cause instanceof DiskStalled) {
          this.#stalled(cause);
          return undefined;
        }
        this.#entries.remove(entry);
        if (cause instanceof UnusableFile) {
          await this.#setAside(entry.file, new UnusableFile(cause.message, entry));
        } else {
          this.#options.onDrop('spool_corrupt', entry.samples);
          this.#report('error', 'read', errorText(cause), 'batch dropped');
        }
        return undefined;
      }
    });
  }

  /** Forgets an entry and its file. */
  remove(entry: SpoolEntry): Promise<void> {
    return this.#inTurn(() => this.#remove(entry));
  }

  /** Limits all remaining disk work to this time from now. Batches not written by then are dropped. */
  hurry(withinMs: number): void {
    this.#isEnding = true;
    this.#disk.hurry(withinMs);
    if (this.#disk.stalled) this.#waiting.dropAll();
  }

  /** Waits for writes in progress, and releases the folder. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#unlock?.();
      this.#unlock = undefined;
    });
  }

  async #takeStock(): Promise<void> {
    const { folder } = this.#options;
    const { entries, unusable, foreign } = await inspectFolder(this.#disk, folder);
    for (const entry of entries) this.#entries.add(entry);
    for (const { file, cause } of unusable) {
      await this.#setAside(file, cause);
    }
    this.#foreign = foreign.length;
    const [first] = foreign;
    if (!first) return;
    const denied = foreign.find(({ cause }) => isDenied(cause));
    const { file, cause } = denied ?? first;
    const reason = `${foreign.length} foreign entries in the folder, such as ${file}: ${errorText(cause)}`;
    this.#report('warn', 'foreign', reason, denied ? remedyOf(cause, folder) : 'they are left untouched: remove them');
  }

  /** Writes waiting batches until none are left or the disk stops responding. */
  async #writeWaiting(): Promise<void> {
    for (let next = this.#waiting.oldest; next; next = this.#waiting.oldest) {
      if (this.#isComing && !this.#isEnding) return;
      try {
        await this.#write(next);
      } catch (cause) {
        if (cause instanceof DiskStalled) {
          this.#stalled(cause);
          return;
        }
        // An error of this program costs one batch, not those that wait behind it.
        this.#report('error', 'write', errorText(cause), 'batch dropped');
        this.#options.onDrop('spool_error', next.batch.samples);
      }
      this.#waiting.settle(next);
    }
  }

  /** Keeps waiting batches in memory until the disk is back. At shutdown, drops them. */
  #stalled(cause: DiskStalled): void {
    const next = this.#isEnding ? 'dropping queued batches' : 'keeping queued batches in memory until it responds';
    this.#report('error', 'stalled', cause.message, `${next}; check the disk of this folder`);
    if (this.#isEnding) this.#waiting.dropAll();
    void this.#disk.stalled?.then(() => {
      this.#options.log.over(`spool ${this.#options.folder} stalled`);
      return this.#inTurn(() => this.#writeWaiting());
    });
  }

  async #write({ batch, file }: WaitingBatch): Promise<void> {
    const { onDrop, maxBytes, folder } = this.#options;
    if (!this.isOpen) return onDrop('no_spool', batch.samples);
    const parts = await fileParts(batch);
    const bytes = parts.reduce((sum, { length }) => sum + length, 0);
    if (bytes > maxBytes) return onDrop('spool_full', batch.samples);
    await this.#makeRoom(bytes);
    for (;;) {
      try {
        await this.#disk.run(`write ${join(folder, file)}`, (io) => writeDurably(io, folder, file, parts));
        break;
      } catch (cause) {
        if (cause instanceof DiskStalled) throw cause;
        const { oldest } = this.#entries;
        const isFull = DISK_IS_FULL.has(errorCode(cause) ?? '');
        const next = isFull ? 'dropping the oldest batches' : `batch dropped; ${remedyOf(cause, this.#options.folder)}`;
        this.#report('error', isFull ? 'disk_full' : 'write', errorText(cause), next);
        if (!isFull) return onDrop('spool_error', batch.samples);
        if (!oldest || oldest.stampMs > batch.stampMs) return onDrop('disk_full', batch.samples);
        await this.#drop(oldest, 'disk_full');
      }
    }
    this.#entries.add({ file, bytes, stampMs: batch.stampMs, samples: batch.samples });
    batch.onSettled?.();
  }

  /** Drops batches that are too old, then the oldest until `bytes` more fit. */
  async #makeRoom(bytes: number): Promise<void> {
    const { maxAgeMs, maxBytes, now } = this.#options;
    for (let oldest = this.#entries.oldest; oldest; oldest = this.#entries.oldest) {
      if (now() - oldest.stampMs > maxAgeMs) await this.#drop(oldest, 'too_old');
      else if (this.#entries.bytes + bytes > maxBytes) await this.#drop(oldest, 'spool_full');
      else return;
    }
  }

  async #drop(entry: SpoolEntry, reason: string): Promise<void> {
    await this.#remove(entry);
    this.#options.onDrop(reason, entry.samples);
  }

  async #remove(entry: SpoolEntry): Promise<void> {
    this.#entries.remove(entry);
    const path = join(this.#options.folder, entry.file);
    await this.#disk.run(`remove ${path}`, (io) => io.unlink(path)).catch(() => undefined);
  }

  async #setAside(file: string, { message, samples }: UnusableFile): Promise<void> {
    const { folder, onDrop, onSetAside } = this.#options;
    onSetAside();
    onDrop('spool_corrupt', samples);
    this.#report('error', 'corrupt', `${file}: ${message}`, `renamed to ${file}.bad`);
    await this.#disk
      .run(`set ${file} aside`, (io) => setAside(io, folder, file))
      .catch((cause: unknown) =>
        this.#report('error', 'set aside', errorText(cause), 'it is checked again at the next start'),
      );
  }

  #report(level: 'warn' | 'error', what: string, reason: string, next: string): void {
    const { folder, log } = this.#options;
    log.write(level, `spool ${folder} ${what}`, { folder, reason, next }, 'spool error');
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }
}
