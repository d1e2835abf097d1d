import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';

/** Of the format; a file of another one is set aside. */
const VERSION = 1;
const MAX_BYTES = 16 * 1024 * 1024;
/** A disk that takes longer is reported, and asked again when it has answered. */
const DEADLINE_MS = 5000;

/** What was saved, by section. */
export type Sections = Readonly<Record<string, unknown>>;

/** A state file that can't be used; it was renamed to `aside`. */
export class UnusableState extends Error {}

/**
 * Text of a state file: a line with format, version and checksum, then the sections as JSON. Pure, as is
 * {@link parseState}.
 */
export function stateText(sections: Sections): string {
  const body = JSON.stringify(sections);
  return `firesteel-state ${VERSION} ${crc32(body).toString(16).padStart(8, '0')}\n${body}\n`;
}

/** Throws an Error that says what is wrong with the text. */
export function parseState(text: string): Sections {
  const end = text.indexOf('\n');
  const [, version, checksum] = /^firesteel-state (\d+) ([0-9a-f]{8})$/.exec(text.slice(0, Math.max(end, 0))) ?? [];
  if (version === undefined || checksum === undefined) throw new Error('it is not a state file of this agent');
  if (Number(version) !== VERSION) {
    throw new Error(
      `it has format version ${version}, written by another version of this agent; this one reads version ${VERSION}`,
    );
  }
  const body = text.slice(end + 1, -1);
  if (crc32(body) !== Number.parseInt(checksum, 16)) throw new Error('checksum mismatch: it is truncated or corrupt');
  return JSON.parse(body) as Sections;
}

/**
 * The sections of the file at `path`; none when there is no file. One that can't be used is renamed, so that it is neither
 * used nor overwritten: rejects with UnusableState then.
 */
export async function readState(path: string): Promise<Sections> {
  let text: string;
  try {
    const content = await readFile(path, { signal: AbortSignal.timeout(DEADLINE_MS) });
    if (content.length > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    text = content.toString('utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new UnusableState(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  try {
    return parseState(text);
  } catch (cause) {
    const aside = `${path}.unusable`;
    await rename(path, aside).catch(() => undefined);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UnusableState(`${path} ignored: ${reason}; moved to ${aside}`, { cause });
  }
}

/** Replaces the file at `path`, down to the disk; there is always the old or the new one as a whole. */
export async function writeState(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await unlink(temporary).catch(() => undefined);
    throw cause;
  }
  const folder = await open(dirname(path));
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** `work`, or an error when it has not ended in time; it goes on all the same. */
export async function within<T>(what: string, work: Promise<T>, deadlineMs = DEADLINE_MS): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`${what}: no response from the disk within ${deadlineMs} ms`)),
    deadlineMs,
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
