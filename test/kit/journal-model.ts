import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { START_US } from './journal-writer.ts';

const HEADER_BYTES = 208;
const CAPACITY = 64;
const ARRAY_BYTES = 24 + CAPACITY * 8;
const FILE_BYTES = 32 * 1024;
const ARCHIVED = 2;
const BOOT = 'b'.repeat(32);

/** An entry of a {@link JournalModel}. */
interface Written {
  readonly seqnum: number;
  /** Milliseconds since the boot. */
  readonly atMs: number;
  readonly message: string;
}

interface Active {
  readonly fileId: string;
  readonly seriesId: string;
  readonly entries: Written[];
  /** The last number that was given here. */
  tail: number;
}

interface ModelOptions {
  /** Whether files of users share the series of the system, as since systemd 254. */
  readonly sharesSeries?: boolean;
}

/** journald, as far as readers see it: one counter for the files of a folder, rotation, and deletion. Files have 32 KiB. */
export class JournalModel {
  readonly folder: string;
  /** Messages of all entries. */
  readonly written: string[] = [];
  readonly #sharesSeries: boolean;
  readonly #active = new Map<string, Active>();
  #counter = 0;
  #ids = 0;

  /** Writes to `folder`, which is created. */
  constructor(folder: string, { sharesSeries = false }: ModelOptions = {}) {
    this.folder = folder;
    this.#sharesSeries = sharesSeries;
    mkdirSync(folder, { recursive: true });
  }

  /** Writes `count` entries to the file of `name`: `system` or `user-1000`. */
  write(name: string, count = 1): void {
    for (let index = 0; index < count; index++) {
      const active = this.#active.get(name) ?? this.#create(name);
      if (active.entries.length === CAPACITY) throw new Error(`${name} is full: rotate it`);
      const seqnum = Math.max(this.#counter, active.tail) + 1;
      this.#counter = seqnum;
      active.tail = seqnum;
      const message = `${name} ${this.written.length}`;
      active.entries.push({ seqnum, atMs: this.written.length, message });
      this.written.push(message);
    }
    const active = this.#active.get(name);
    if (active !== undefined) this.#save(join(this.folder, `${name}.journal`), active, false);
  }

  /** Whether the file of `name` has no room for another entry. */
  isFull(name: string): boolean {
    return this.#active.get(name)?.entries.length === CAPACITY;
  }

  /** Takes the number of an entry that does not fit in: it is written after the rotation, with the next number. */
  fail(name: string): void {
    const active = this.#active.get(name);
    if (active === undefined) throw new Error(`no file of ${name}`);
    this.#counter = Math.max(this.#counter, active.tail) + 1;
    active.tail = this.#counter;
    this.#save(join(this.folder, `${name}.journal`), active, false);
  }

  /** Archives the file of `name`; the next entry creates another one. */
  rotate(name: string): void {
    const active = this.#active.get(name);
    if (active === undefined) return;
    const path = join(this.folder, `${name}.journal`);
    const head = (active.entries[0]?.seqnum ?? 0).toString(16).padStart(16, '0');
    const archived = join(this.folder, `${name}@${active.seriesId}-${head}-0000000000000000.journal`);
    renameSync(path, archived);
    this.#save(archived, active, true);
    this.#active.delete(name);
    this.#create(name, active);
  }

  /** The paths of archived files, the oldest first. */
  get archived(): string[] {
    const names = readdirSync(this.folder).filter((name) => name.includes('@'));
    const headOf = (name: string) => name.split('-').at(-2) ?? '';
    return names.sort((a, b) => headOf(a).localeCompare(headOf(b))).map((name) => join(this.folder, name));
  }

  /** Deletes a file as journald does, and frees its blocks, so that readers that have it open find zeros. */
  vacuum(path: string | undefined = this.archived[0]): void {
    if (path === undefined) return;
    const fd = openSync(path, 'r+');
    rmSync(path);
    writeSync(fd, Buffer.alloc(FILE_BYTES), 0, FILE_BYTES, 0);
    closeSync(fd);
  }

  /** Deletes a file, which stays readable where it is open. */
  remove(path: string | undefined = this.archived[0]): void {
    if (path !== undefined) rmSync(path);
  }

  /** Where the entry `index` of a file is. */
  offsetOf(path: string, index: number): number {
    return Number(readFileSync(path).readBigUInt64LE(HEADER_BYTES + 24 + index * 8));
  }

  #create(name: string, before?: Active): Active {
    const fileId = createHash('md5')
      .update(`${this.folder} ${++this.#ids}`)
      .digest('hex');
    const shared = this.#sharesSeries ? '5'.repeat(32) : fileId;
    const active: Active = { fileId, seriesId: before?.seriesId ?? shared, entries: [], tail: before?.tail ?? 0 };
    this.#active.set(name, active);
    this.#save(join(this.folder, `${name}.journal`), active, false);
    return active;
  }

  #save(path: string, active: Active, isArchived: boolean): void {
    const content = journalContent(active, isArchived);
    // Without truncation: readers see the old content or the new one.
    const fd = openSync(path, active.entries.length === 0 ? 'w' : 'r+', 0o640);
    writeSync(fd, content, 0, content.length, 0);
    closeSync(fd);
  }
}

function journalContent({ fileId, seriesId, entries, tail }: Active, isArchived: boolean): Buffer {
  const content = Buffer.alloc(FILE_BYTES);
  const u64 = (value: number, at: number) => content.writeBigUInt64LE(BigInt(value), at);
  content.write('LPKSHHRH', 0, 'latin1');
  content[16] = isArchived ? ARCHIVED : 1;
  content.write(fileId, 24, 'hex');
  content.write(seriesId, 72, 'hex');
  u64(HEADER_BYTES, 88);
  u64(entries.length, 152);
  u64(tail, 160);
  u64(entries[0]?.seqnum ?? 0, 168);
  u64(HEADER_BYTES, 176);
  const timeOf = (entry: Written | undefined) => (entry === undefined ? 0 : START_US + entry.atMs * 1000);
  u64(timeOf(entries[0]), 184);
  u64(timeOf(entries.at(-1)), 192);
  content[HEADER_BYTES] = 6;
  u64(ARRAY_BYTES, HEADER_BYTES + 8);
  let end = HEADER_BYTES + ARRAY_BYTES;
  for (const [index, written] of entries.entries()) {
    const { seqnum, atMs, message } = written;
    const field = `MESSAGE=${message}`;
    const data = end;
    content[data] = 1;
    u64(64 + field.length, data + 8);
    content.write(field, data + 64, 'latin1');
    const entry = data + Math.ceil((64 + field.length) / 8) * 8;
    content[entry] = 3;
    u64(80, entry + 8);
    u64(seqnum, entry + 16);
    u64(timeOf(written), entry + 24);
    u64(atMs * 1000, entry + 32);
    content.write(BOOT, entry + 40, 'hex');
    u64(data, entry + 64);
    u64(entry, HEADER_BYTES + 24 + index * 8);
    end = entry + 80;
  }
  return content;
}
