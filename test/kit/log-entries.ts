import { Buffers } from '../../src/exporters/entries/buffers.ts';
import { EncodedBatch } from '../../src/exporters/entries/encoded-batch.ts';
import type { LogProtocol } from '../../src/exporters/entries/protocol.ts';
import type { LogEntry } from '../../src/logs/entry.ts';
import type { LogSink, Shipped } from '../../src/logs/sink.ts';
import type { EntryTarget, LogRead } from '../../src/logs/source.ts';

/** An entry like those of the journal source; `number` makes it unique. */
export function entryOf(number: number, more: Partial<LogEntry> = {}): LogEntry {
  return {
    source: 'journal',
    timeUs: Date.now() * 1000 + number,
    message: `message ${number}`,
    priority: 6,
    labels: { cluster: 'prod', node: 'n1', unit: 'cron.service' },
    fields: new Map([
      ['MESSAGE', `message ${number}`],
      ['SYSLOG_FACILITY', '9'],
      ['_PID', String(number)],
    ]),
    cursor: `s=${'c'.repeat(32)};i=${number.toString(16)}`,
    ...more,
  };
}

/** `count` entries. */
export const entriesOf = (count: number, more: Partial<LogEntry> = {}): LogEntry[] =>
  Array.from({ length: count }, (_, index) => entryOf(index, more));

/** A read with its entries. */
export interface ReadEntries extends LogRead {
  readonly entries: readonly LogEntry[];
}

/** Limits of a read: entries, and approximate bytes of messages; a batch of the agent has about 5,000 entries. */
export async function readEntries(
  source: { read(target: EntryTarget, signal: AbortSignal): Promise<LogRead | undefined> },
  { maxEntries = 5000, maxBytes = 1024 * 1024 } = {},
): Promise<ReadEntries | undefined> {
  const entries: LogEntry[] = [];
  let bytes = 0;
  const read = await source.read(
    {
      get count() {
        return entries.length;
      },
      get isFull() {
        return entries.length >= maxEntries || bytes >= maxBytes;
      },
      add(entry) {
        entries.push(entry);
        bytes += entry.message.length + 300;
      },
    },
    new AbortController().signal,
  );
  return read && { ...read, entries };
}

/** Entries as a batch of a protocol. */
export function batchOf(protocol: LogProtocol, entries: readonly LogEntry[]): EncodedBatch {
  const batch = new EncodedBatch('journal', protocol, new Buffers(protocol.maxBatchBytes));
  for (const entry of entries) batch.add(entry);
  return batch;
}

/** Ships entries as one batch. */
export async function shipAll(
  sink: LogSink,
  entries: readonly LogEntry[],
  signal: AbortSignal = new AbortController().signal,
): Promise<Shipped | undefined> {
  const batch = sink.begin(entries[0]?.source ?? 'journal');
  for (const entry of entries) batch.add(entry);
  try {
    return await sink.ship(batch, signal);
  } finally {
    batch.release();
  }
}
