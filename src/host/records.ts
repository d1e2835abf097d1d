import type { Host } from './host.ts';
import { eachRecord, filled, type Losses } from './lines.ts';

/**
 * The records of one of several files: an absent file has none, an unreadable file is recorded as one loss, as is each
 * record for which `parse` throws. Returns whether the file exists.
 */
export function recordsOfFile(
  lost: Losses,
  host: Host,
  path: string,
  parse: (line: string, number: number) => void,
  maxBytes?: number,
): boolean {
  try {
    const text = host.readIfExists(path, maxBytes);
    if (text === undefined) return false;
    eachRecord(lost, path, text, parse);
  } catch (cause) {
    lost.lose(path, cause);
  }
  return true;
}

/** The text of a file; undefined, without a loss, if it is absent. An unreadable or empty file, or one of NUL bytes, is a loss. */
export function textOrLost(lost: Losses, host: Host, path: string): string | undefined {
  try {
    const text = host.readIfExists(path);
    return text === undefined ? undefined : filled(path, text);
  } catch (cause) {
    lost.lose(path, cause);
    return undefined;
  }
}
