import { constants } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '../../base/error-text.ts';
import { type Disk, type DiskIo, DiskStalled } from './disk.ts';
import { HEADER_BYTES, readDescription, readSpoolHeader, UnusableFile } from './format.ts';

/** Name prefix of incomplete files. */
const TEMPORARY = '.tmp-';

const BODY = '.body';
const BAD = '.bad';

/** Limits of the unusable files kept for inspection. */
const MAX_BAD_FILES = 8;
const MAX_BAD_BYTES = 16 * 1024 * 1024;

/** The file of one batch on disk. */
export interface SpoolEntry {
  readonly file: string;
  readonly bytes: number;
  readonly stampMs: number;
  readonly samples: number;
}

/**
 * The content of a folder: batches by their descriptions, unusable files, and foreign entries, which stay untouched.
 */
interface Inspected {
  readonly entries: readonly SpoolEntry[];
  readonly unusable: readonly { readonly file: string; readonly cause: UnusableFile }[];
  readonly foreign: readonly { readonly file: string; readonly cause: unknown }[];
}

/** Inspects all files of a folder and removes incomplete ones. Payloads are not read. */
export async function inspectFolder(disk: Disk, folder: string): Promise<Inspected> {
  const entries: SpoolEntry[] = [];
  const unusable: { file: string; cause: UnusableFile }[] = [];
  const foreign: { file: string; cause: unknown }[] = [];
  for (const file of await disk.run(`list ${folder}`, (io) => io.readdir(folder))) {
    const path = join(folder, file);
    const isTemporary = file.startsWith(TEMPORARY);
    if (!isTemporary && !file.endsWith(BODY)) continue;
    try {
      if (isTemporary) await disk.run(`remove ${path}`, (io) => io.unlink(path));
      else entries.push(await disk.run(`read ${path}`, (io) => entryOf(io, folder, file)));
    } catch (cause) {
      if (cause instanceof DiskStalled) throw cause;
      if (cause instanceof UnusableFile) unusable.push({ file, cause });
      else foreign.push({ file, cause });
    }
  }
  return { entries, unusable, foreign };
}

/** Does not wait for the writer of a pipe, and does not follow links. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** Opens a regular file and passes it to `use`, with its size. */
async function withFile<T>(
  io: DiskIo,
  path: string,
  use: (handle: Awaited<ReturnType<DiskIo['open']>>, bytes: number) => Promise<T>,
): Promise<T> {
  const handle = await io.open(path, READ);
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw new Error(`${path} is not a regular file`);
    return await use(handle, status.size);
  } finally {
    await handle.close();
  }
}

const entryOf = (io: DiskIo, folder: string, file: string): Promise<SpoolEntry> =>
  withFile(io, join(folder, file), async (handle, bytes) => {
    const header = Buffer.alloc(Math.min(HEADER_BYTES, bytes));
    await handle.read(header, 0, header.length, 0);
    const { descriptionBytes, isWhole } = readSpoolHeader(header, bytes);
    const text = Buffer.alloc(descriptionBytes);
    await handle.read(text, 0, text.length, HEADER_BYTES);
    const { stampMs, samples } = readDescription(header, text);
    if (!isWhole) throw new UnusableFile(`its size of ${bytes} bytes does not match its header`, { samples });
    return { file, bytes, stampMs, samples };
  });

/** The content of a file that had `bytes` when it was written. Rejects with UnusableFile when its size differs. */
export const readEntry = (io: DiskIo, path: string, bytes: number): Promise<Buffer> =>
  withFile(io, path, async (handle, size) => {
    if (size !== bytes) throw new UnusableFile(`${size} bytes instead of ${bytes}`);
    const content = Buffer.alloc(size);
    for (let read = 0; read < size; ) {
      const { bytesRead } = await handle.read(content, read, size - read, read);
      if (bytesRead === 0) throw new UnusableFile(`${read} bytes instead of ${bytes}`);
      read += bytesRead;
    }
    return content;
  });

/**
 * Writes a new file that only its owner may read, under a temporary name first, and syncs it to disk. Leaves nothing
 * behind on failure. May be repeated with the same name.
 */
export async function writeDurably(io: DiskIo, folder: string, file: string, parts: readonly Buffer[]): Promise<void> {
  const temporary = join(folder, `${TEMPORARY}${file}`);
  const handle = await io.open(temporary, WRITE, 0o600);
  try {
    const { bytesWritten } = await handle.writev([...parts]);
    const bytes = parts.reduce((sum, { length }) => sum + length, 0);
    if (bytesWritten < bytes)
      throw Object.assign(new Error(`ENOSPC: ${bytesWritten} of ${bytes} bytes fit`), { code: 'ENOSPC' });
    await handle.sync();
    await io.rename(temporary, join(folder, file));
  } catch (cause) {
    await io.unlink(temporary).catch(() => undefined);
    throw cause;
  } finally {
    await handle.close();
  }
  await syncFolder(io, folder);
}

const WRITE = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Syncs a folder, so that its file names are as durable as its files. */
async function syncFolder(io: DiskIo, folder: string): Promise<void> {
  const handle = await io.open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Renames an unusable file, and removes the oldest unusable files when there are too many. */
export async function setAside(io: DiskIo, folder: string, file: string): Promise<void> {
  await io.rename(join(folder, file), join(folder, file + BAD)).catch(() => undefined);
  const names = (await io.readdir(folder))
    .filter((name) => name.endsWith(BODY + BAD))
    .sort()
    .reverse();
  let bytes = 0;
  let kept = 0;
  for (const name of names) {
    const path = join(folder, name);
    const status = await io.lstat(path);
    if (!status.isFile()) continue;
    bytes += status.size;
    kept++;
    if (kept > MAX_BAD_FILES || bytes > MAX_BAD_BYTES) await io.unlink(path);
  }
}

const DENIED = new Set(['EACCES', 'EPERM', 'EROFS']);

/** Whether an operation failed for lack of permission, as with files of another user. */
export const isDenied = (cause: unknown): boolean => DENIED.has(errorCode(cause) ?? '');

/** Advice for the operator on a disk error in `folder`. */
export function remedyOf(cause: unknown, folder: string): string {
  if (!isDenied(cause)) return 'check the folder and its disk';
  const owner = `${process.geteuid?.()}:${process.getegid?.()}`;
  if (cause instanceof Error && 'syscall' in cause && cause.syscall === 'mkdir')
    return `this agent runs as ${owner} and cannot create the folder: chown ${owner} ${dirname(folder)}`;
  return `this agent runs as ${owner}: chown -R ${owner} ${folder}, or remove the folder`;
}
