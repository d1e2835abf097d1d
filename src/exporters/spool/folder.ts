import { open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { HEADER_BYTES, readDescription, readHeader, UnusableFile } from './format.ts';

/** Begins the names of files that are not complete. */
export const TEMPORARY = '.tmp-';

const BODY = '.body';
const BAD = '.bad';

/** Kept for somebody to look at. */
const MAX_BAD_FILES = 8;
const MAX_BAD_BYTES = 16 * 1024 * 1024;

/** What is on disk of one body. */
export interface SpoolEntry {
  readonly file: string;
  readonly bytes: number;
  readonly stampMs: number;
  readonly samples: number;
}

/** What is in a folder: bodies by their descriptions, and files that are none. */
export interface Inspected {
  readonly entries: readonly SpoolEntry[];
  readonly unusable: readonly { readonly file: string; readonly reason: string }[];
}

/** Looks at all files of a folder and removes those that were never finished. Payloads are not read. */
export async function inspectFolder(folder: string): Promise<Inspected> {
  const entries: SpoolEntry[] = [];
  const unusable: { file: string; reason: string }[] = [];
  for (const file of await readdir(folder)) {
    if (file.startsWith(TEMPORARY)) await unlink(join(folder, file));
    if (!file.endsWith(BODY) || file.startsWith(TEMPORARY)) continue;
    try {
      entries.push(await entryOf(folder, file));
    } catch (cause) {
      if (!(cause instanceof UnusableFile)) throw cause;
      unusable.push({ file, reason: cause.message });
    }
  }
  return { entries, unusable };
}

async function entryOf(folder: string, file: string): Promise<SpoolEntry> {
  const handle = await open(join(folder, file));
  try {
    const { size: bytes } = await handle.stat();
    const header = Buffer.alloc(Math.min(HEADER_BYTES, bytes));
    await handle.read(header, 0, header.length, 0);
    const { descriptionBytes } = readHeader(header, bytes);
    const text = Buffer.alloc(descriptionBytes);
    await handle.read(text, 0, text.length, HEADER_BYTES);
    const { stampMs, samples } = readDescription(header, text);
    return { file, bytes, stampMs, samples };
  } finally {
    await handle.close();
  }
}

/** Writes a new file that only its owner may read, down to the disk; leaves nothing behind when that fails. */
export async function writeDurably(path: string, parts: readonly Buffer[]): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    const { bytesWritten } = await handle.writev([...parts]);
    const bytes = parts.reduce((sum, { length }) => sum + length, 0);
    if (bytesWritten < bytes)
      throw Object.assign(new Error(`ENOSPC: ${bytesWritten} of ${bytes} bytes fit`), { code: 'ENOSPC' });
    await handle.sync();
  } catch (cause) {
    await unlink(path).catch(() => undefined);
    throw cause;
  } finally {
    await handle.close();
  }
}

/** Makes the names in a folder as durable as its files. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Renames a file that can't be used, and removes the oldest of those when they become too many. */
export async function setAside(folder: string, file: string): Promise<void> {
  await rename(join(folder, file), join(folder, file + BAD)).catch(() => undefined);
  const names = (await readdir(folder))
    .filter((name) => name.endsWith(BAD))
    .sort()
    .reverse();
  let bytes = 0;
  for (const [index, name] of names.entries()) {
    const path = join(folder, name);
    bytes += (await stat(path)).size;
    if (index >= MAX_BAD_FILES || bytes > MAX_BAD_BYTES) await unlink(path);
  }
}
