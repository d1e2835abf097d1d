import type { Host } from './host.ts';
import { eachRecord, type Losses } from './lines.ts';

/**
 * The records of one of several files: a file that is not there has none, one that can't be read is lost as a unit, and
 * so is each record that `parse` throws for. Says whether the file is there.
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
