import { join } from 'node:path';
import { errorText } from '../../base/error-text.ts';
import type { ThrottledLog } from '../../base/log.ts';
import { wireBytes } from '../exporter.ts';
import { Disk, DiskStalled } from './disk.ts';
import { inspectFolder, readEntry, type SpoolEntry, setAside, writeDurably } from './folder.ts';
import { type AddressedBody, fileParts, readFile, UnusableFile } from './format.ts';
import { lockFolder, type Unlock } from './lock.ts';

export interface SpoolOptions {
  readonly folder: string;
  readonly maxBytes: number;
  /** What may wait in memory until the disk takes it; beyond, the oldest goes. */
  readonly maxWaitingBytes: number;
  readonly maxAgeMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: ThrottledLog;
  /** Is told what is given up; `samples` is undefined for a file that does not say how many it has. */
  readonly onDrop: (reason: string, samples: number | undefined) => void;
  /** Is told of each file that can't be used. */
  readonly onSetAside: () => void;
  /** Is told when the sizes or the state have changed. */
  readonly onChange: () => void;
  readonly disk?: Disk;
}

/** What waits, and what is wrong with the disk. */
export interface SpoolStatus {
  readonly bodies: number;
  readonly bytes: number;
  readonly limitBytes: number;
  readonly oldestStampMs?: number;
  /** Why nothing can be kept on disk now. */
  readonly trouble?: string;
  /** Entries of the folder that are not the spool's, and stay untouched. */
  readonly foreign: number;
}

/** A body that waits for the disk. Its file has the same name at each try. */
interface Waiting {
  readonly body: AddressedBody;
  readonly file: string;
  readonly bytes: number;
  readonly settle: () => void;
}

const DISK_IS_FULL = new Set(['ENOSPC', 'EDQUOT']);
const DENIED = new Set(['EACCES', 'EPERM', 'EROFS']);

/**
 * The bodies of one receiver that wait on disk, a file each, for this process alone. Never throws for what is wrong
 * with the disk: bodies that it does not take are dropped, counted and told of. All work is done one after the other. A
 * disk that does not answer costs nothing but room: what waits for it stays in memory within its limit.
 */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #disk: Disk;
  /** By stamp, the oldest first. */
  readonly #entries: SpoolEntry[] = [];
  #bytes = 0;
  #sequence = 0;
  #unlock: Unlock | undefined;
  #work: Promise<unknown> = Promise.resolve();
  /** Bodies that are being written, or wait for it, the oldest first. */
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #foreign = 0;
  #trouble: string | undefined = 'not open yet';
  #isEnding: boolean = false;
  /** The folder could not be taken because the disk did not answer: what waits is kept until it does. */
  #isComing: boolean = false;

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#disk = options.disk ?? new Disk();
  }

  get sizes(): SpoolStatus {
    const [oldest] = this.#entries;
    const stamps = [...(oldest ? [oldest.stampMs] : []), ...this.#waiting.map(({ body }) => body.stampMs)];
    const trouble = this.#disk.stalled ? 'the disk does not respond' : this.#trouble;
    return {
      bodies: this.#entries.length + this.#waiting.length,
      bytes: this.#bytes + this.#waitingBytes,
      limitBytes: this.#options.maxBytes,
      foreign: this.#foreign,
      ...(stamps.length > 0 && { oldestStampMs: Math.min(...stamps) }),
      ...(trouble !== undefined && { trouble }),
    };
  }

  /** Whether the folder is ours. */
  get isOpen(): boolean {
    return this.#unlock !== undefined;
  }

  /** Takes the folder and what an earlier run left there. False while it can't be had. */
  open(): Promise<boolean> {
    return this.#inTurn(async () => {
      const { folder, log } = this.#options;
      try {
        await this.#disk.run(`make ${folder}`, (io) => io.mkdir(folder, { recursive: true, mode: 0o700 }));
        this.#unlock = await lockFolder(this.#disk, folder);
        if (!this.#unlock) {
          this.#trouble = 'another process uses the folder';
          this.#say('warn', 'locked', this.#trouble, 'waiting for it to exit; keeping batches in memory');
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
        this.#say('error', 'open', this.#trouble, `continuing without the disk, retrying; ${this.#remedy(cause)}`);
        this.#entries.length = 0;
        this.#bytes = 0;
        await this.#unlock?.();
        this.#unlock = undefined;
        return false;
      } finally {
        this.#options.onChange();
      }
    });
  }

  /** Writes a body; resolves when it is safe, or given up. The oldest make room for it. */
  put(body: AddressedBody): Promise<void> {
    const { promise, resolve: settle } = Promise.withResolvers<void>();
    const file = `${String(body.stampMs).padStart(15, '0')}-${body.group}-${process.pid}-${this.#sequence++}.body`;
    this.#waiting.push({ body, file, bytes: wireBytes(body), settle });
    this.#waitingBytes += wireBytes(body);
    const { maxWaitingBytes } = this.#options;
    while (this.#waitingBytes > maxWaitingBytes && this.#waiting.length > 1) this.#giveUp('disk_stalled');
    this.#options.onChange();
    void this.#inTurn(() => this.#writeWaiting());
    return promise;
  }

  /** The oldest body that may still be sent; waits for what is being done. None while the disk does not answer. */
  oldest(): Promise<SpoolEntry | undefined> {
    return this.#inTurn(async () => {
      if (this.#disk.stalled) return undefined;
      await this.#makeRoom(0);
      return this.#entries[0];
    });
  }

  /** The body of an entry; undefined when it can't be had now, or its file is gone or damaged, which is counted. */
  read(entry: SpoolEntry): Promise<AddressedBody | undefined> {
    return this.#inTurn(async () => {
      const path = join(this.#options.folder, entry.file);
      try {
        return await readFile(await this.#disk.run(`read ${path}`, (io) => readEntry(io, path, entry.bytes)));
      } catch (cause) {
        if (cause instanceof DiskStalled) {
          this.#stalled(cause);
          return undefined;
        }
        this.#take(entry);
        if (cause instanceof UnusableFile) {
          await this.#setAside(entry.file, new UnusableFile(cause.message, entry));
        } else {
          this.#options.onDrop('spool_corrupt', entry.samples);
          this.#say('error', 'read', String(cause), 'batch dropped');
        }
        return undefined;
      }
    });
  }

  /** Forgets an entry and its file. */
  remove(entry: SpoolEntry): Promise<void> {
    return this.#inTurn(() => this.#remove(entry));
  }

  /** From now on the disk has no longer than so long for all that is left to do; what it does not take is given up. */
  hurry(withinMs: number): void {
    this.#isEnding = true;
    this.#disk.hurry(withinMs);
    if (this.#disk.stalled) this.#giveUpAll();
  }

  /** Waits for what is being written, and leaves the folder to others. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#unlock?.();
      this.#unlock = undefined;
    });
  }

  async #takeStock(): Promise<void> {
    const { folder } = this.#options;
    const { entries, unusable, foreign } = await inspectFolder(this.#disk, folder);
    for (const entry of entries) this.#insert(entry);
    for (const { file, cause } of unusable) {
      await this.#setAside(file, cause);
    }
    this.#foreign = foreign.length;
    const [first] = foreign;
    if (!first) return;
    const reason = `${foreign.length} foreign entries in the folder, such as ${first.file}: ${first.reason}`;
    this.#say('warn', 'foreign', reason, 'they are left untouched: remove them');
  }

  /** Writes what waits, until nothing does or the disk stops to answer. */
  async #writeWaiting(): Promise<void> {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      if (this.#isComing && !this.#isEnding) return;
      try {
        await this.#write(next);
      } catch (cause) {
        if (!(cause instanceof DiskStalled)) throw cause;
        this.#stalled(cause);
        return;
      }
      this.#settle(next);
    }
  }

  /** Keeps what waits in memory until the disk is back; at the end gives it up. */
  #stalled(cause: DiskStalled): void {
    const next = this.#isEnding ? 'dropping queued batches' : 'keeping queued batches in memory until it responds';
    this.#say('error', 'stalled', cause.message, `${next}; check the disk of this folder`);
    if (this.#isEnding) this.#giveUpAll();
    this.#options.onChange();
    void this.#disk.stalled?.then(() => {
      this.#options.log.over(`spool ${this.#options.folder} stalled`);
      this.#options.onChange();
      return this.#inTurn(() => this.#writeWaiting());
    });
  }

  async #write({ body, file }: Waiting): Promise<void> {
    const { onDrop, maxBytes, folder } = this.#options;
    if (!this.isOpen) return onDrop('no_spool', body.samples);
    const parts = await fileParts(body);
    const bytes = parts.reduce((sum, { length }) => sum + length, 0);
    if (bytes > maxBytes) return onDrop('spool_full', body.samples);
    await this.#makeRoom(bytes);
    for (;;) {
      try {
        await this.#disk.run(`write ${join(folder, file)}`, (io) => writeDurably(io, folder, file, parts));
        break;
      } catch (cause) {
        if (cause instanceof DiskStalled) throw cause;
        const [oldest] = this.#entries;
        const isFull = DISK_IS_FULL.has((cause as NodeJS.ErrnoException).code ?? '');
        const next = isFull ? 'dropping the oldest batches' : `batch dropped; ${this.#remedy(cause)}`;
        this.#say('error', isFull ? 'disk_full' : 'write', String(cause), next);
        if (!isFull) return onDrop('spool_error', body.samples);
        if (!oldest || oldest.stampMs > body.stampMs) return onDrop('disk_full', body.samples);
        await this.#drop(oldest, 'disk_full');
      }
    }
    this.#insert({ file, bytes, stampMs: body.stampMs, samples: body.samples });
  }

  #settle(one: Waiting): void {
    const index = this.#waiting.indexOf(one);
    if (index !== -1) {
      this.#waiting.splice(index, 1);
      this.#waitingBytes -= one.bytes;
    }
    one.settle();
    this.#options.onChange();
  }

  /** Gives up the oldest body that waits for the disk. */
  #giveUp(reason: string): void {
    const [oldest] = this.#waiting;
    if (!oldest) return;
    this.#options.onDrop(reason, oldest.body.samples);
    this.#settle(oldest);
  }

  #giveUpAll(): void {
    while (this.#waiting.length > 0) this.#giveUp('disk_stalled');
  }

  /** Drops what is too old, and the oldest until `bytes` more fit. */
  async #makeRoom(bytes: number): Promise<void> {
    const { maxAgeMs, maxBytes, now } = this.#options;
    for (let oldest = this.#entries[0]; oldest; oldest = this.#entries[0]) {
      if (now() - oldest.stampMs > maxAgeMs) await this.#drop(oldest, 'too_old');
      else if (this.#bytes + bytes > maxBytes) await this.#drop(oldest, 'spool_full');
      else return;
    }
  }

  async #drop(entry: SpoolEntry, reason: string): Promise<void> {
    await this.#remove(entry);
    this.#options.onDrop(reason, entry.samples);
  }

  async #remove(entry: SpoolEntry): Promise<void> {
    this.#take(entry);
    const path = join(this.#options.folder, entry.file);
    await this.#disk.run(`remove ${path}`, (io) => io.unlink(path)).catch(() => undefined);
  }

  #take(entry: SpoolEntry): void {
    const index = this.#entries.indexOf(entry);
    if (index === -1) return;
    this.#entries.splice(index, 1);
    this.#bytes -= entry.bytes;
    this.#options.onChange();
  }

  #insert(entry: SpoolEntry): void {
    const later = this.#entries.findLastIndex(({ stampMs }) => stampMs <= entry.stampMs) + 1;
    this.#entries.splice(later, 0, entry);
    this.#bytes += entry.bytes;
    this.#options.onChange();
  }

  async #setAside(file: string, { message, samples }: UnusableFile): Promise<void> {
    const { folder, onDrop, onSetAside } = this.#options;
    onSetAside();
    onDrop('spool_corrupt', samples);
    this.#say('error', 'corrupt', `${file}: ${message}`, `renamed to ${file}.bad`);
    await this.#disk
      .run(`set ${file} aside`, (io) => setAside(io, folder, file))
      .catch((cause: unknown) =>
        this.#say('error', 'set aside', String(cause), 'it is checked again at the next start'),
      );
  }

  /** What a person can do about an error of the disk. */
  #remedy(cause: unknown): string {
    const { folder } = this.#options;
    if (!DENIED.has((cause as NodeJS.ErrnoException).code ?? '')) return 'check the folder and its disk';
    const owner = `${process.geteuid?.()}:${process.getegid?.()}`;
    return `this agent runs as ${owner}: chown -R ${owner} ${folder}, or remove the folder`;
  }

  #say(level: 'warn' | 'error', what: string, reason: string, next: string): void {
    const { folder, log } = this.#options;
    log.say(level, `spool ${folder} ${what}`, { folder, reason, next }, 'spool error');
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }
}
