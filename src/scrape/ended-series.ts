import { byName } from '../base/by-name.ts';
import { parseLine } from '../metrics/text/parse.ts';
import { HashTable } from './hash-table.ts';
import { keysOf } from './packed-lines.ts';
import { owned } from './ruled-series.ts';
import { seriesHash, viewOf } from './series-order.ts';

/** Series of the previous page that are missing in a page. */
export interface EndedKeys {
  readonly keys: string[];
  /** Common series with their labels in another order: for receivers they are the same. */
  readonly reordered: number;
}

/** Compares two pages by their members. `added` is the number of keys that only the later one has. */
export async function endedSeries(
  before: readonly Buffer[],
  now: readonly Buffer[],
  added: number,
): Promise<EndedKeys> {
  const known = new HashTable();
  // Only needed if labels may be in another order.
  if (added > 0) for await (const key of keysOf(before)) known.add(hashOfText(key));
  const present = new HashTable();
  const fresh = new HashTable();
  for await (const key of keysOf(now)) {
    const hash = hashOfText(key);
    present.add(hash);
    if (added > 0 && !known.has(hash)) fresh.add(hashOfText(inOrder(key)));
  }
  const keys: string[] = [];
  let reordered = 0;
  for await (const key of keysOf(before)) {
    if (present.has(hashOfText(key))) continue;
    if (added > 0 && fresh.has(hashOfText(inOrder(key)))) reordered++;
    else keys.push(owned(key));
  }
  return { keys, reordered };
}

const hashOfText = (text: string): number => {
  const bytes = Buffer.from(text);
  return seriesHash(viewOf(bytes), 0, bytes.length);
};

/** The same for all orders of the labels. */
function inOrder(key: string): string {
  const parsed = parseLine(`${key} 0`, 1);
  if (parsed?.kind !== 'sample') return key;
  const labels = parsed.labels.toSorted(byName);
  return JSON.stringify([parsed.name, labels]);
}
