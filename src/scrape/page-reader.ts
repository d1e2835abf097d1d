import { isUtf8 } from 'node:buffer';
import { withoutClashes } from '../metrics/pushed-labels.ts';
import type { Relabeling } from '../metrics/relabel/relabeling.ts';
import { labelBlock, stampText } from '../metrics/text/format.ts';
import { parseLine, TextFormatError } from '../metrics/text/parse.ts';
import { owned, RuledSeries } from './ruled-series.ts';
import type { SeriesLimit } from './series-limit.ts';
import { hashOf, type SeriesOrder, viewOf } from './series-order.ts';

/** What is done to the lines of a page. */
export interface PageOptions {
  /** Labels of the target, on every line: job, instance and others. */
  readonly labels: readonly (readonly [name: string, value: string])[];
  /** Further labels that the push sets on every series. */
  readonly pushed: ReadonlySet<string>;
  /** Labels of a line that the target or the push has as well keep their names, and the target's are left out. */
  readonly honorLabels: boolean;
  /** Lines keep their own timestamps. */
  readonly honorTimestamps: boolean;
  /** Rules on the series, in this order. */
  readonly relabel: readonly Relabeling[];
  readonly limits: PageLimits;
}

/** What a page may have; over it, it is not taken at all. */
export interface PageLimits {
  readonly samples: number;
  /** Labels of a line, without those of the target. */
  readonly labels: number;
  /** Bytes of the labels of a line. */
  readonly labelBytes: number;
}

/** Why a page is not taken. */
export class BadPage extends Error {
  override readonly name = 'BadPage';
}

/** Longest line, bytes. */
export const MAX_LINE_BYTES = 64 * 1024;

const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="[^"\\\\\\n]*(?:\\\\.[^"\\\\\\n]*)*"';
const NUMBER = '[-+]?(?:\\d+(?:\\.\\d*)?(?:[eE][-+]?\\d+)?|Inf|NaN)';
/** A sample as nearly all pages write it: name, labels, value, timestamp. Everything else is read by {@link parseLine}. */
const SAMPLE = new RegExp(
  `([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{((?:${LABEL}(?:,${LABEL})*,?)?)\\})? (${NUMBER})(?: (-?\\d+))?(?=\\r?\\n)`,
  'y',
);
/** The end of an OpenMetrics line: timestamp in seconds, and an exemplar. */
const OPEN_METRICS_TAIL = /^(.*?[}\s][ \t]*[^\s{}]+(?:[ \t]+-?[\d.eE+]+)?)(?:[ \t]+#[ \t]+\{.*)?$/;

/** What a page was. */
export interface Page {
  /** Samples of the page, without duplicates. */
  readonly scraped: number;
  /** Those that are left under the rules. */
  readonly kept: number;
  /** Lines that repeat a series; the first one counts. */
  readonly duplicates: number;
  /** Series by the name of the metric. */
  readonly names: ReadonlyMap<string, number>;
}

/**
 * Reads the pages of one target and writes their lines with the labels of the target in them, as they are: each line is
 * looked at by one expression, nothing is taken apart. Lines that need more (a label that clashes, a rule, another way of
 * writing) are.
 */
export class PageReader {
  readonly #options: PageOptions;
  readonly #order: SeriesOrder;
  /** `{job="…",instance="…"`, in bytes as Latin-1. */
  readonly #head: string;
  /** Names that a line may not have. */
  readonly #taken: ReadonlySet<string>;
  readonly #clash: RegExp;
  /** Labels up to this length are within the limits, whatever they are. */
  readonly #harmless: number;
  readonly #ruled: RuledSeries | undefined;
  readonly #limit: SeriesLimit | undefined;
  #rest: Buffer = NOTHING;
  #text = '';
  #tail = '';
  #line = 0;
  #isOpenMetrics: boolean = false;
  #isAtEnd: boolean = false;
  /** The family whose `_created` is no sample of a user. */
  #created = '';
  #scraped = 0;
  #kept = 0;
  #duplicates = 0;
  #names = new Map<string, number>();
  /** The name of the last line, and how many had it before: lines of one name stand together. */
  #name = '';
  #ofName = 0;

  /** `limit` bounds the series of the target. */
  constructor(options: PageOptions, order: SeriesOrder, limit?: SeriesLimit) {
    this.#options = options;
    this.#order = order;
    this.#limit = limit;
    const { labels, pushed, limits, relabel } = options;
    this.#ruled = relabel.length > 0 ? new RuledSeries(relabel) : undefined;
    this.#harmless = Math.min(limits.labelBytes, limits.labels * SHORTEST_LABEL);
    this.#head = latin1(
      labelBlock(
        labels.map(([name]) => name),
        labels.map(([, value]) => value),
      ).replace(/^$/, '{}'),
    ).slice(0, -1);
    this.#taken = new Set([...labels.map(([name]) => name), ...pushed]);
    this.#clash = new RegExp(`(?:^|,)(?:${[...this.#taken].join('|')})="`);
  }

  /** Begins a page of the time `stampMs`. */
  begin(stampMs: number, isOpenMetrics: boolean): void {
    this.#order.begin();
    this.#limit?.begin(stampMs);
    this.#rest = NOTHING;
    this.#text = '';
    this.#tail = ` ${stampText(stampMs)}\n`;
    this.#line = 0;
    this.#isOpenMetrics = isOpenMetrics;
    this.#isAtEnd = false;
    this.#created = '';
    this.#scraped = 0;
    this.#kept = 0;
    this.#duplicates = 0;
    this.#names = new Map();
    this.#name = '';
    this.#ofName = 0;
  }

  /** Reads a piece of a page; gives lines for the batch, in bytes as Latin-1, perhaps none. Throws {@link BadPage}. */
  read(piece: Buffer): string {
    const bytes = this.#rest.length === 0 ? piece : joined(this.#rest, piece);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (bytes.length - end > MAX_LINE_BYTES) this.#refuse(this.#line + 1, `is longer than ${MAX_LINE_BYTES} bytes`);
    // A copy: a part of the piece would keep all of it.
    this.#rest = Buffer.from(bytes.subarray(end));
    this.#lines(bytes.subarray(0, end));
    const made = this.#text;
    this.#text = '';
    return made;
  }

  /** Ends the page; gives what is left. Throws {@link BadPage}. */
  finish(): { readonly text: string; readonly page: Page } {
    // A page need not end with a newline, but may be cut there as well: the length of the answer tells.
    if (this.#rest.length > 0) this.#lines(Buffer.concat([this.#rest, END_OF_LINE]));
    if (this.#isOpenMetrics && !this.#isAtEnd) throw new BadPage('the page ends without "# EOF": it was cut off');
    this.#keep('');
    const page = { scraped: this.#scraped, kept: this.#kept, duplicates: this.#duplicates, names: this.#names };
    return { text: this.#text, page };
  }

  #lines(bytes: Buffer): void {
    const text = bytes.toString('latin1');
    const { honorTimestamps } = this.#options;
    const needsMore = this.#ruled !== undefined;
    const harmless = this.#harmless;
    const view = viewOf(bytes);
    if (!isUtf8(bytes)) this.#refuse(this.#line + 1, 'or one soon behind it is not UTF-8');
    for (let start = 0; start < text.length; ) {
      this.#line++;
      SAMPLE.lastIndex = start;
      const match = this.#isOpenMetrics ? null : SAMPLE.exec(text);
      if (match === null) {
        const newline = text.indexOf('\n', start);
        this.#odd(text.slice(start, newline));
        start = newline + 1;
        continue;
      }
      const [whole, name = '', labels = '', value = '', ownStamp] = match;
      const end = start + whole.length;
      if (whole.length > MAX_LINE_BYTES) this.#refuse(this.#line, `is longer than ${MAX_LINE_BYTES} bytes`);
      if (labels.length > harmless) this.#measure(labels);
      // With the closing bracket: a name is no beginning of another one with labels.
      const keyEnd = start + name.length + (labels === '' ? 0 : labels.length + 2);
      const hash = hashOf(view, start, keyEnd);
      if (this.#count(hash)) {
        const stamp = ownStamp !== undefined && honorTimestamps ? ` ${stampText(Number(ownStamp))}\n` : this.#tail;
        if (needsMore || this.#clash.test(labels)) this.#careful(hash, name, labels, value, stamp);
        else if (this.#limit?.takes(hash) !== false) {
          this.#kept++;
          if (name === this.#name) this.#ofName++;
          else this.#keep(name);
          const comma = labels === '' || this.#head === '{' ? '' : ',';
          const own = labels.endsWith(',') ? labels.slice(0, -1) : labels;
          this.#text += `${name}${this.#head}${comma}${own}} ${value}${stamp}`;
        }
      }
      start = end + (text.charCodeAt(end) === CARRIAGE_RETURN ? 2 : 1);
    }
  }

  /** Notes a series under another name than the last one. */
  #keep(name: string): void {
    if (this.#ofName > 0) {
      const before = this.#names.get(this.#name);
      this.#names.set(before === undefined ? owned(this.#name) : this.#name, (before ?? 0) + this.#ofName);
    }
    this.#name = name;
    this.#ofName = name === '' ? 0 : 1;
  }

  /** Whether a series is new in this page. */
  #count(hash: number): boolean {
    if (!this.#order.add(hash)) {
      this.#duplicates++;
      return false;
    }
    this.#scraped++;
    const { samples } = this.#options.limits;
    if (this.#scraped > samples) throw new BadPage(`the page has more than ${samples} samples (limits.samples)`);
    return true;
  }

  /** A line that is not written as nearly all are: a comment, blanks in other places, OpenMetrics. */
  #odd(written: string): void {
    const line = written.endsWith('\r') ? written.slice(0, -1) : written;
    if (line.length > MAX_LINE_BYTES) this.#refuse(this.#line, `is longer than ${MAX_LINE_BYTES} bytes`);
    if (this.#isAtEnd && line !== '') this.#refuse(this.#line, 'stands behind "# EOF"');
    if (line.startsWith('#')) this.#comment(line);
    const sample = this.#sampleOf(line);
    if (sample === undefined) return;
    const { name, labels, valueText, stampMs } = sample;
    if (this.#created !== '' && name === `${this.#created}_created`) return;
    const block = labels.length === 0 ? '' : blockOf(labels);
    if (block.length > this.#harmless) this.#measure(block);
    const key = block === '' ? name : `${name}{${block}}`;
    const hash = hashOf(viewOf(Buffer.from(key, 'latin1')), 0, key.length);
    if (!this.#count(hash)) return;
    const isOwn = stampMs !== undefined && this.#options.honorTimestamps;
    this.#careful(hash, name, block, valueText, isOwn ? ` ${stampText(stampMs)}\n` : this.#tail);
  }

  #comment(line: string): void {
    if (!this.#isOpenMetrics) return;
    if (line === '# EOF') this.#isAtEnd = true;
    const [, word, name = '', type = ''] = line.split(' ', 4);
    if (word === 'TYPE') this.#created = /^(?:counter|histogram|summary)$/.test(type) ? name : '';
  }

  #sampleOf(line: string) {
    const plain = this.#isOpenMetrics ? (OPEN_METRICS_TAIL.exec(line)?.[1] ?? line) : line;
    // Seconds with a fraction, which are milliseconds in the older format.
    const [, own, seconds] = this.#isOpenMetrics ? (SECONDS.exec(plain) ?? []) : [];
    try {
      const parsed = parseLine(own ?? plain, this.#line);
      if (parsed?.kind !== 'sample') return undefined;
      const stampMs = seconds === undefined ? parsed.timestampMs : Math.round(Number(seconds) * 1000);
      return { ...parsed, valueText: String(parsed.value).replace('Infinity', 'Inf'), stampMs };
    } catch (cause) {
      if (!(cause instanceof TextFormatError)) throw cause;
      throw new BadPage(utf8(cause.message));
    }
  }

  /** A line with labels that clash, or under rules. */
  #careful(hash: number, name: string, labels: string, value: string, stamp: string): void {
    if (this.#ruled?.isDropped(hash)) return;
    const own = this.#clash.test(labels)
      ? this.#renamed(name, labels)
      : `${this.#head}${labels === '' ? '' : ','}${labels.replace(/,$/, '')}`;
    const key = `${name}${own.replace(/^\{,/, '{')}}`;
    const seen = this.#ruled === undefined ? key : this.#ruled.keyOf(hash, key);
    if (seen === undefined || this.#limit?.takes(hash) === false) return;
    this.#kept++;
    const kept = seen.slice(0, seen.indexOf('{'));
    if (kept === this.#name) this.#ofName++;
    else this.#keep(kept);
    this.#text += `${seen} ${value}${stamp}`;
  }

  /** The labels of target and line, of which none hides another. */
  #renamed(name: string, labels: string): string {
    // Pages with labels of pods have a clash in each line: nearly all of them need nothing but the prefix.
    if (!this.#options.honorLabels && !labels.includes('exported_')) return this.#prefixed(labels);
    const parsed = parseLine(`${name}{${labels}} 0`, this.#line);
    const own = parsed?.kind === 'sample' ? parsed.labels : [];
    const { labels: ours, honorLabels } = this.#options;
    if (honorLabels) {
      const theirs = new Set(own.flatMap(([label, value]) => (value === '' ? [] : [label])));
      const left = ours
        .filter(([label]) => !theirs.has(label))
        .map(([label, value]) => [label, latin1(value)] as const);
      return `{${blockOf([...left, ...own.filter(([, value]) => value !== '')])}`;
    }
    return `${this.#head},${blockOf(withoutClashes(own, this.#taken))}`.replace(/,$/, '');
  }

  /** Labels of which none begins with `exported_`, with that prefix where they clash. */
  #prefixed(labels: string): string {
    let made = this.#head;
    ONE_LABEL.lastIndex = 0;
    for (let match = ONE_LABEL.exec(labels); match !== null; match = ONE_LABEL.exec(labels)) {
      const [, name = '', quoted = ''] = match;
      if (!this.#taken.has(name)) made += `,${name}=${quoted}`;
      else if (quoted !== '""') made += `,exported_${name}=${quoted}`;
    }
    return made;
  }

  /** Labels of a line that are long or many. */
  #measure(labels: string): void {
    const { limits } = this.#options;
    if (labels.length <= limits.labelBytes) {
      // A value may end so too: then there are fewer.
      let count = 0;
      for (let at = labels.indexOf('="'); at !== -1; at = labels.indexOf('="', at + 2)) count++;
      if (count <= limits.labels) return;
    }
    const parsed = parseLine(`x{${labels}} 0`, this.#line);
    const own = parsed?.kind === 'sample' ? parsed.labels : [];
    if (own.length > limits.labels) this.#refuse(this.#line, `has ${own.length} labels, the limit is ${limits.labels}`);
    const longest = own.find(([label, value]) => label.length + value.length > limits.labelBytes);
    if (longest)
      this.#refuse(this.#line, `has a label ${longest[0].slice(0, 60)} of more than ${limits.labelBytes} bytes`);
  }

  #refuse(line: number, what: string): never {
    throw new BadPage(`line ${line} ${what}`);
  }
}

/** One label of a line that is known to be well written. */
const ONE_LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)=("[^"\\]*(?:\\.[^"\\]*)*"),?/y;
const NOTHING = Buffer.alloc(0);
const END_OF_LINE = Buffer.from('\n');
const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
/** `a="",`. */
const SHORTEST_LABEL = 5;
/** Value and timestamp of an OpenMetrics line without its exemplar. */
const SECONDS = /^(.*[}\s][ \t]*\S+)[ \t]+(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)$/;

/** For a line that began in the piece before: buffers for each would wait for the garbage collector. */
const SCRATCH = Buffer.allocUnsafeSlow(2 * MAX_LINE_BYTES);

/** Both one after the other; valid until the next call. */
function joined(rest: Buffer, piece: Buffer): Buffer {
  const length = rest.length + piece.length;
  if (length > SCRATCH.length) return Buffer.concat([rest, piece]);
  rest.copy(SCRATCH);
  piece.copy(SCRATCH, rest.length);
  return SCRATCH.subarray(0, length);
}

const latin1 = (text: string): string => Buffer.from(text).toString('latin1');
const utf8 = (text: string): string => Buffer.from(text, 'latin1').toString();

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

/** Labels as text, without brackets; escapes only, since they are bytes. */
const blockOf = (labels: readonly (readonly [name: string, value: string])[]): string =>
  labels.map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (one) => ESCAPES[one] ?? one)}"`).join();
