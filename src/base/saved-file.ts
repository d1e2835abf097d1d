import { open, rename } from 'node:fs/promises';
import { within } from './deadline.ts';
import { errorCode, errorText } from './error-text.ts';
import { READ_AT_ONCE, whyUnread } from './files.ts';
import { writeWhole } from './write-whole.ts';

/** Positions in thousands of files, or thousands of tasks with long options. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Longer only on a disk that does not respond. */
const DISK_MS = 5000;

/** A saved file that is not used. The message names it, the reason and the new name. */
export class UnusableSavedFile extends Error {
  override readonly name = 'UnusableSavedFile';
}

/**
 * What `parse` makes of a file in which this agent saves its state; undefined if there is none. One that is too large, or
 * for which `parse` throws, is renamed: then rejects with UnusableSavedFile. So it does for what is not a regular file,
 * such as a folder, which stays. Rejects with another error, and changes nothing, if the file can't be read.
 */
export async function readSaved<Value>(path: string, parse: (text: string) => Value): Promise<Value | undefined> {
  const text = await within(DISK_MS, textOf(path), `${path}: no response from the disk within ${DISK_MS} ms`);
  if (text === undefined) return undefined;
  try {
    if (typeof text !== 'string') throw new Error(text.problem);
    return parse(text);
  } catch (cause) {
    throw await keepAside(path, cause);
  }
}

/** Replaces a saved file atomically, or leaves the old one. Rejects with an Error that names the path. */
export async function writeSaved(path: string, text: string): Promise<void> {
  try {
    await writeWhole(path, text);
  } catch (cause) {
    throw new Error(`cannot write ${path}: ${whyUnread(cause)}`);
  }
}

/** Like {@link readSaved}, but a file that can't be read is renamed as well, because the next save would replace it. */
export async function readOrKeepAside<Value>(path: string, parse: (text: string) => Value): Promise<Value | undefined> {
  try {
    return await readSaved(path, parse);
  } catch (cause) {
    throw cause instanceof UnusableSavedFile ? cause : await keepAside(path, cause);
  }
}

/**
 * Renames a saved file with the suffix `.bad`, so that the next save does not overwrite it; an earlier file of that name is
 * replaced. Resolves with the error to report, also if renaming fails.
 */
async function keepAside(path: string, cause: unknown): Promise<UnusableSavedFile> {
  const aside = `${path}.bad`;
  const late = `no response from the disk within ${DISK_MS} ms`;
  const result = await within(DISK_MS, rename(path, aside), late).then(
    () => `renamed to ${aside}`,
    (failure: unknown) => `renaming it to ${aside} failed, and the next save replaces it: ${errorText(failure)}`,
  );
  return new UnusableSavedFile(`${path} ignored: ${errorText(cause)}; ${result}`, { cause });
}

/** The text, or why there can be none; undefined without a file. Rejects with the errors of node:fs. */
async function textOf(path: string): Promise<string | { readonly problem: string } | undefined> {
  const file = await open(path, READ_AT_ONCE).catch((cause: unknown) => {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw cause;
  });
  if (file === undefined) return undefined;
  try {
    const status = await file.stat();
    // It contains no state to preserve, and may be a folder or a device of others that the configuration names.
    if (!status.isFile()) throw new UnusableSavedFile(`${path} ignored: not a regular file`);
    if (status.size > MAX_BYTES) return { problem: `larger than ${MAX_BYTES} bytes` };
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
