import { readFile, rename } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { errorCode, errorText } from '../../base/error-text.ts';

/** Format version; a file with another one is moved aside. */
const VERSION = 1;
const MAX_BYTES = 16 * 1024 * 1024;
/** Reading a file takes no longer, except on a disk that does not respond. */
const READ_MS = 5000;

/** The saved state, by section. */
export type StateSections = Readonly<Record<string, unknown>>;

/** An unusable state file; it was renamed to `aside`. */
export class UnusableState extends Error {}

/**
 * Text of a state file: a line with format, version and checksum, then the sections as JSON. Pure, as is
 * {@link parseState}.
 */
export function stateText(sections: StateSections): string {
  const content = JSON.stringify(sections);
  return `firesteel-state ${VERSION} ${crc32(content).toString(16).padStart(8, '0')}\n${content}\n`;
}

/** Throws an Error that describes the problem. */
function parseState(text: string): StateSections {
  const end = text.indexOf('\n');
  const [, version, checksum] = /^firesteel-state (\d+) ([0-9a-f]{8})$/.exec(text.slice(0, Math.max(end, 0))) ?? [];
  if (version === undefined || checksum === undefined) throw new Error('it is not a state file of this agent');
  if (Number(version) !== VERSION) {
    throw new Error(
      `it has format version ${version}, written by another version of this agent; this one reads version ${VERSION}`,
    );
  }
  const content = text.slice(end + 1, -1);
  if (crc32(content) !== Number.parseInt(checksum, 16))
    throw new Error('checksum mismatch: it is truncated or corrupt');
  return JSON.parse(content);
}

/**
 * The sections of the file at `path`; none if it is absent. An unusable file is renamed, so that it is neither used nor
 * overwritten: then rejects with UnusableState.
 */
export async function readState(path: string): Promise<StateSections> {
  let text: string;
  try {
    const content = await readFile(path, { signal: AbortSignal.timeout(READ_MS) });
    if (content.length > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    text = content.toString('utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return {};
    throw new UnusableState(`${path}: ${errorText(cause)}`, { cause });
  }
  try {
    return parseState(text);
  } catch (cause) {
    const aside = `${path}.unusable`;
    await rename(path, aside).catch(() => undefined);
    throw new UnusableState(`${path} ignored: ${errorText(cause)}; moved to ${aside}`, { cause });
  }
}
