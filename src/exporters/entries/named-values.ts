import { PRIORITIES } from '../../base/syslog.ts';
import type { LogEntry } from '../../logs/entry.ts';

/** A named value. */
export type NamedValue = readonly [name: string, value: string];

/** The fields of an entry to send: all, or the named ones. Labels, time and message are always sent. */
export type FieldSelection = 'all' | readonly string[];

/**
 * Names of the facilities of RFC 5424, 6.2.1. Those of 12 to 15 are from syslog-ng and VictoriaLogs: `<syslog.h>` and
 * journald have none, and rsyslog has others.
 */
const FACILITIES = [
  ...['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp'],
  ...['ntp', 'security', 'console', 'solaris-cron'],
  ...['local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
] as const;

/** The fields of the message and of the values that {@link wordsOf} returns. */
const MESSAGE = 'MESSAGE';
const FACILITY = 'SYSLOG_FACILITY';

/** Source, level and facility as text, each only if the entry has it. */
export function wordsOf({ source, priority, fields }: LogEntry): NamedValue[] {
  const words: NamedValue[] = [['source', source]];
  const level = priority === undefined ? undefined : PRIORITIES[priority];
  if (level !== undefined) words.push(['level', level]);
  const facility = FACILITIES[numberOf(fields.get(FACILITY)) ?? -1];
  if (facility !== undefined) words.push(['facility', facility]);
  return words;
}

const numberOf = (value: string | Uint8Array | undefined): number | undefined =>
  typeof value === 'string' && /^\d{1,2}$/.test(value) ? Number(value) : undefined;

/** A value as text: bytes in base64, with a name that indicates this. */
const textOf = (name: string, value: string | Uint8Array): NamedValue =>
  typeof value === 'string' ? [name, value] : [`${name}_base64`, Buffer.from(value).toString('base64')];

/**
 * The selected fields other than the message, as text. Values of a repeated field are joined by newlines. A message
 * that is not UTF-8 is included, because its text lacks bytes.
 */
export function fieldsOf({ source, fields, repeated }: LogEntry, choice: FieldSelection): NamedValue[] {
  const isWanted = choice === 'all' ? () => true : (name: string) => choice.includes(name);
  const named: NamedValue[] = [];
  for (const [name, value] of fields) {
    if (name === MESSAGE && source === 'journal' && typeof value === 'string') continue;
    if (isWanted(name)) named.push(textOf(name, value));
  }
  if (repeated === undefined) return named;
  for (const [name, value] of repeated) {
    const [key, text] = textOf(name, value);
    const at = named.findIndex(([known]) => known === key);
    const before = named[at];
    if (before !== undefined) named[at] = [key, `${before[1]}\n${text}`];
    else if (isWanted(name)) named.push([key, text]);
  }
  return named;
}

/** The same values, with `_` appended to repeated names: receivers reject objects with duplicate names. */
export function distinct(named: readonly NamedValue[]): readonly NamedValue[] {
  const names = new Set<string>();
  for (const [name] of named) names.add(name);
  if (names.size === named.length) return named;
  names.clear();
  return named.map(([name, value]): NamedValue => {
    let free = name;
    while (names.has(free)) free += '_';
    names.add(free);
    return [free, value];
  });
}

/** `text` truncated to at most `maxBytes` of UTF-8, at a character boundary. */
export function cutText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return text;
  const bytes = Buffer.from(text);
  let end = maxBytes;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

/** The field that lists truncated values. */
export const CUT_FIELD = 'cut_values';

/**
 * The named values as the fields of a JSON object, without braces, in at most `maxBytes`. Values are truncated to a
 * common length if they need more, and the last ones omitted if that is not enough; {@link CUT_FIELD} lists their
 * names.
 */
export function jsonFields(named: readonly NamedValue[], maxBytes: number): string {
  const whole = joined(named);
  if (whole.length * 3 <= maxBytes || Buffer.byteLength(whole) <= maxBytes) return whole;
  for (let length = maxBytes >> 1; length >= SHORTEST; length >>= 1) {
    const text = shortened(named, length);
    if (Buffer.byteLength(text) <= maxBytes) return text;
  }
  return jsonFields(named.slice(0, named.length >> 1), maxBytes);
}

const SHORTEST = 64;
const MAX_CUT_NAMES = 10;

function shortened(named: readonly NamedValue[], length: number): string {
  const cut: string[] = [];
  const rest = named.map(([name, value]): NamedValue => {
    const short = cutText(value, length);
    if (short.length < value.length) cut.push(name);
    return [name, short];
  });
  return joined([...rest, [CUT_FIELD, cut.slice(0, MAX_CUT_NAMES).join(' ')]]);
}

const joined = (named: readonly NamedValue[]): string => {
  let text = '';
  for (const [name, value] of named) {
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${JSON.stringify(value)}`;
  }
  return text;
};

/** Microseconds since 1970 as `2026-11-29T07:12:54.123456Z`. */
export const isoTime = (timeUs: number): string => {
  const seconds = Math.floor(timeUs / 1e6);
  const text = new Date(seconds * 1000).toISOString();
  return `${text.slice(0, -4)}${String(timeUs - seconds * 1e6).padStart(6, '0')}Z`;
};
