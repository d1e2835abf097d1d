import type { Host } from './host.ts';
import { eachRecord, type Losses } from './lines.ts';

/**
 * The records of one of several files: an absent file has none, an unreadable file is recorded as one loss, and so is
 * each record that `parse` throws for. Returns whether the file exists.
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
