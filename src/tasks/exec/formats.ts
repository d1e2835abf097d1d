import { errorText } from '../../base/error-text.ts';
import { toLabelName, toMetricName } from '../../metrics/family.ts';
import { parseLine } from '../../metrics/text/parse.ts';
import { readInflux } from './influx.ts';
import { readNagios } from './nagios.ts';
import { ParsedText, stampOf } from './reading.ts';

/** Formats of output. */
export const FORMATS = ['prometheus', 'openmetrics', 'json', 'influx', 'nagios'] as const;
type Format = (typeof FORMATS)[number];

/** Options for reading a text. */
interface ReadOptions {
  /** Prefix of the names in json, influx and nagios output. */
  readonly prefix: string;
  /** Maximum bytes of a line; longer lines are lost. */
  readonly line: number;
}

/** Parses a text as far as possible: only bad lines are lost. */
export const READERS: Readonly<Record<Format, (text: string, options: ReadOptions) => ParsedText>> = {
  prometheus: (text, { line }) => readText(text, line, (each) => each),
  openmetrics: (text, { line }) => readText(text, line, fromOpenMetrics),
  json: readJson,
  influx: (text, options) => eachLine(text, options.line, (reading, line) => readInflux(reading, line, options.prefix)),
  nagios: (text, { prefix }) => readNagios(text, prefix),
};

/** Reads line by line; a line for which `read` throws is lost. */
function eachLine(text: string, most: number, read: (reading: ParsedText, line: string) => void): ParsedText {
  const reading = new ParsedText();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line.length > most) {
      reading.lose(`line ${index + 1} is longer than ${most} bytes`);
      continue;
    }
    try {
      read(reading, line);
    } catch (cause) {
      reading.lose(`line ${index + 1}: ${errorText(cause).replace(/^line \d+: /, '')}`);
    }
  }
  return reading;
}

function readText(text: string, most: number, translate: (line: string) => string | undefined): ParsedText {
  return eachLine(text, most, (reading, raw) => {
    const line = translate(raw);
    const parsed = line === undefined ? undefined : parseLine(line);
    if (parsed === undefined) return;
    if (parsed.kind === 'sample') reading.add({ ...parsed, stampMs: parsed.timestampMs });
    else if (parsed.kind === 'help') reading.family(parsed.name).help = parsed.help;
    else if (reading.family(parsed.name).samples.length > 0)
      throw new Error(`TYPE of ${parsed.name} after its samples`);
    else reading.family(parsed.name).type = parsed.type;
  });
}

/** Converts a line of OpenMetrics 1.0 to the older format; undefined for lines without an equivalent. */
function fromOpenMetrics(line: string): string | undefined {
  if (/^# (?:EOF|UNIT\b)/.test(line)) return undefined;
  const type = /^# TYPE (\S+) (\S+)$/.exec(line);
  if (type) {
    const [, name = '', word = ''] = type;
    if (word === 'counter') return `# TYPE ${name}_total counter`;
    if (word === 'info' || word === 'stateset') return `# TYPE ${name}${word === 'info' ? '_info' : ''} gauge`;
    return `# TYPE ${name} ${word === 'unknown' ? 'untyped' : word}`;
  }
  if (line.startsWith('#')) return line;
  const bare = line.replace(/ # \{.*$/, '');
  if (/^[^\s{]+_created(?:\{|\s)/.test(bare)) return undefined;
  // Seconds with a fraction instead of milliseconds.
  return bare.replace(/^(.*[\s}]\S+) ([\d.eE+-]+)$/, (_, head: string, stamp: string) =>
    /^[a-zA-Z_:][^\s{]*$/.test(head) ? `${head} ${stamp}` : `${head} ${Math.round(Number(stamp) * 1000)}`,
  );
}

/** `[{"name": "disk", "timestamp": 1700000000, "tags": {"dev": "sda"}, "value": 1.5}]`. */
function readJson(text: string, { prefix }: ReadOptions): ParsedText {
  const reading = new ParsedText();
  const value: unknown = JSON.parse(text);
  const list = Array.isArray(value) ? value : [value];
  for (const [index, entry] of list.entries()) {
    const wrong = jsonEntry(reading, entry, prefix);
    if (wrong !== undefined) reading.lose(`entry ${index}: ${wrong}`);
  }
  return reading;
}

function jsonEntry(reading: ParsedText, entry: unknown, prefix: string): string | undefined {
  if (typeof entry !== 'object' || entry === null) return 'is not an object';
  const { name, timestamp, tags = {}, value }: Partial<Record<string, unknown>> = { ...entry };
  if (typeof name !== 'string' || name === '') return 'has no name';
  const number = typeof value === 'boolean' ? Number(value) : value;
  if (typeof number !== 'number') return `${name} has a value that is not a number`;
  if (timestamp !== undefined && typeof timestamp !== 'number') return `${name} has a timestamp that is not a number`;
  if (typeof tags !== 'object' || tags === null) return `${name} has tags that are not an object`;
  const labels = Object.entries(tags).map(([label, text]) => [toLabelName(label), String(text)] as const);
  const stampMs = timestamp === undefined ? undefined : stampOf(timestamp);
  const full = toMetricName(prefix + name);
  reading.family(full).type = 'gauge';
  reading.add({ name: full, labels, value: number, stampMs });
  return undefined;
}
