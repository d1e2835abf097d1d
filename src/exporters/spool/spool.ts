import { mkdir, readFile as readWhole, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ThrottledLog } from '../../log.ts';
import { inspectFolder, type SpoolEntry, setAside, syncFolder, TEMPORARY, writeDurably } from './folder.ts';
import { type AddressedBody, fileParts, readFile, UnusableFile } from './format.ts';
import { lockFolder, type Unlock } from './lock.ts';

export interface SpoolOptions {
  readonly folder: string;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: ThrottledLog;
  /** Is told what is given up. */
  readonly onDrop: (reason: string, samples: number) => void;
  /** Is told of each file that can't be used. */
  readonly onSetAside: () => void;
  /** Is told when the sizes have changed. */
  readonly onChange: () => void;
}

const DISK_IS_FULL = new Set(['ENOSPC', 'EDQUOT']);

/**
 * The bodies of one receiver that wait on disk, a file each, for this process alone. Never throws for what is wrong
 * with the disk: bodies that it does not take are dropped, counted and told of. All work is done one after the other.
 */
export class Spool {
  readonly #options: SpoolOptions;
  /** By stamp, the oldest first. */
  readonly #entries: SpoolEntry[] = [];
  #bytes = 0;
  #sequence = 0;
  #unlock: Unlock | undefined;
  #work: Promise<unknown> = Promise.resolve();
  /** Bodies that are being written, or wait for it. */
  #waiting = 0;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  get sizes(): { bodies: number; bytes: number; limitBytes: number; oldestStampMs?: number } {
    const [oldest] = this.#entries;
    return {
      bodies: this.#entries.length + this.#waiting,
      bytes: this.#bytes,
      limitBytes: this.#options.maxBytes,
      ...(oldest && { oldestStampMs: oldest.stampMs }),
    };
  }

  /** Whether the folder is ours. */
  get isOpen(): boolean {
    return this.#unlock !== undefined;
  }

  /** Takes the folder and what an earlier run left there. False while another process has it. */
  open(): Promise<boolean> {
    return this.#inTurn(async () => {
      const { folder, onSetAside } = this.#options;
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        this.#unlock = await lockFolder(folder);
        if (!this.#unlock) {
          this.#say(
            'warn',
            'locked',
            'another process uses the folder',
            'waiting for its end; keeping bodies in memory',
          );
          return false;
        }
        const { entries, unusable } = await inspectFolder(folder);
        for (const entry of entries) this.#insert(entry);
        for (const { file, reason } of unusable) {
          onSetAside();
          await this.#setAside(file, reason);
        }
        await this.#makeRoom(0);
        return true;
      } catch (cause) {
        this.#say('error', 'open', String(cause), 'going on without the disk; check the folder and its rights');
        this.#entries.length = 0;
        this.#bytes = 0;
        await this.#unlock?.();
        this.#unlock = undefined;
        return false;
      }
    });
  }

  /** Writes a body; resolves when it is safe, or given up. The oldest make room for it. */
  put(body: AddressedBody): Promise<void> {
    this.#waiting++;
    return this.#inTurn(async () => {
      try {
        await this.#put(body);
      } finally {
        this.#waiting--;
        this.#options.onChange();
      }
    });
  }

  /** The oldest body that may still be sent; waits for what is being done. */
  oldest(): Promise<SpoolEntry | undefined> {
    return this.#inTurn(async () => {
      await this.#makeRoom(0);
      return this.#entries[0];
    });
  }

  /** The body of an entry; undefined when its file is gone or damaged, which is counted. */
  read(entry: SpoolEntry): Promise<AddressedBody | undefined> {
    return this.#inTurn(async () => {
      try {
        return await readFile(await readWhole(join(this.#options.folder, entry.file)));
      } catch (cause) {
        this.#take(entry);
        this.#options.onDrop('spool_corrupt', entry.samples);
        if (cause instanceof UnusableFile) {
          this.#options.onSetAside();
          await this.#setAside(entry.file, cause.message);
        } else this.#say('error', 'read', String(cause), 'gave this body up');
        return undefined;
      }
    });
  }

  /** Forgets an entry and its file. */
  remove(entry: SpoolEntry): Promise<void> {
    return this.#inTurn(() => this.#remove(entry));
  }

  /** Waits for what is being written, and leaves the folder to others. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#unlock?.();
      this.#unlock = undefined;
    });
  }

  async #put(body: AddressedBody): Promise<void> {
    const { onDrop, maxBytes, folder } = this.#options;
    if (!this.isOpen) return onDrop('no_spool', body.samples);
    const parts = await fileParts(body);
    const bytes = parts.reduce((sum, { length }) => sum + length, 0);
    if (bytes > maxBytes) return onDrop('spool_full', body.samples);
    await this.#makeRoom(bytes);
    const file = `${String(body.stampMs).padStart(15, '0')}-${body.group}-${process.pid}-${this.#sequence++}.body`;
    for (;;) {
      try {
        const temporary = join(folder, `${TEMPORARY}${file}`);
        await writeDurably(temporary, parts);
        await rename(temporary, join(folder, file));
        await syncFolder(folder);
        break;
      } catch (cause) {
        const [oldest] = this.#entries;
        const isFull = DISK_IS_FULL.has((cause as NodeJS.ErrnoException).code ?? '');
        const next = isFull ? 'dropping the oldest bodies' : 'gave this body up';
        this.#say('error', isFull ? 'disk_full' : 'write', String(cause), next);
        if (!isFull) return onDrop('spool_error', body.samples);
        if (!oldest || oldest.stampMs > body.stampMs) return onDrop('disk_full', body.samples);
        await this.#drop(oldest, 'disk_full');
      }
    }
    this.#insert({ file, bytes, stampMs: body.stampMs, samples: body.samples });
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
    await unlink(join(this.#options.folder, entry.file)).catch(() => undefined);
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

  async #setAside(file: string, reason: string): Promise<void> {
    this.#say('error', 'corrupt', `${file}: ${reason}`, `kept as ${file}.bad`);
    await setAside(this.#options.folder, file).catch((cause: unknown) =>
      this.#say('error', 'set aside', String(cause), 'it is looked at again by the next start'),
    );
  }

  #say(level: 'warn' | 'error', what: string, reason: string, next: string): void {
    const { folder, log } = this.#options;
    log.say(level, `spool ${folder} ${what}`, { folder, reason, next }, 'spool trouble');
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }
}
