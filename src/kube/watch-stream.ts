import { ApiBodyError } from './api.ts';
import { parseWithoutManagers } from './managed-fields.ts';
import type { KubeObject } from './object.ts';

/** One line of a watch. `object` is a Status when `type` is ERROR, and only has a resourceVersion in a BOOKMARK. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubeObject;
}

const TYPES: ReadonlySet<unknown> = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);
const NEWLINE = 0x0a;

/**
 * Decodes a watch: JSON lines. A last line without a newline was truncated in transit and is dropped; the server
 * repeats the event when the watch resumes. Throws ApiBodyError for a line that is not an event or longer than
 * `maxBytes`: continuing would lose an event permanently. `skipsManagers` drops `managedFields` from objects.
 */
export async function* decodeWatch(
  chunks: AsyncIterable<Buffer>,
  url: string,
  maxBytes: number,
  skipsManagers = false,
): AsyncGenerator<WatchEvent> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const tail = chunk.subarray(start, end);
      const line = pending.length > 0 ? Buffer.concat([...pending, tail]) : tail;
      pending = [];
      pendingBytes = 0;
      start = end + 1;
      if (line.length > 0) yield decodeEvent(line, url, skipsManagers);
    }
    if (start === chunk.length) continue;
    pending.push(chunk.subarray(start));
    pendingBytes += chunk.length - start;
    if (pendingBytes > maxBytes) throw new ApiBodyError(url, 'too-large', `event is larger than ${maxBytes} bytes`);
  }
}

const isEvent = (event: Partial<WatchEvent> | null): event is WatchEvent =>
  event?.object !== undefined && event.object !== null && TYPES.has(event.type);

function decodeEvent(line: Buffer, url: string, skipsManagers: boolean): WatchEvent {
  let event: Partial<WatchEvent> | null = null;
  try {
    event = skipsManagers ? parseWithoutManagers(line) : JSON.parse(line.toString());
  } catch {
    // Reported below, like other lines that are not events.
  }
  if (isEvent(event)) return event;
  throw new ApiBodyError(url, 'malformed', `not a watch event: ${line.toString('utf8', 0, 100)}`);
}
