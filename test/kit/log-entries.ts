import type { LogEntry } from '../../src/logs/entry.ts';

/** An entry as the journal's source makes them; `number` makes it one of its own. */
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

/** So many entries. */
export const entriesOf = (count: number, more: Partial<LogEntry> = {}): LogEntry[] =>
  Array.from({ length: count }, (_, index) => entryOf(index, more));
