import { crc32 } from 'node:zlib';
import { readOrKeepAside } from '../../base/saved-file.ts';

/** Format version; a file with another one is moved aside. */
const VERSION = 1;

/** The saved state, by section. */
export type StateSections = Readonly<Record<string, unknown>>;

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
 * The sections of the file at `path`; none if it is absent. A file that is unusable or can't be read is renamed, so that
 * it is neither used nor overwritten: then rejects with UnusableSavedFile.
 */
export const readState = async (path: string): Promise<StateSections> =>
  (await readOrKeepAside(path, parseState)) ?? {};
