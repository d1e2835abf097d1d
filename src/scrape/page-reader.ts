import { isUtf8 } from 'node:buffer';
import { isPushable, stampText } from '../metrics/text/format.ts';
import { parseLine, TextFormatError } from '../metrics/text/parse.ts';
import type { LineBuffer } from './line-buffer.ts';
import { areEqual, LineScan } from './line-scan.ts';
import { BadPage, type PageOptions, type PageStatistics } from './page.ts';
import { isIdle, joinedInScratch, MAX_PAGE_LINE_BYTES, NEWLINE } from './page-bytes.ts';
import { owned, RuledSeries } from './ruled-series.ts';
import type { SeriesLimit } from './series-limit.ts';
import { type SeriesOrder, seriesHash, viewOf } from './series-order.ts';
import { blockOf, type LatinLabels, labelsIn, TargetLabels } from './target-labels.ts';

/** The end of an OpenMetrics line: timestamp in seconds, and an exemplar. */
const OPEN_METRICS_TAIL = /^(.*?[}\s][ \t]*[^\s{}]+(?:[ \t]+-?[\d.eE+]+)?)(?:[ \t]+#[ \t]+\{.*)?$/;

/**
 * Reads the pages of one target and writes their lines with the labels of the target added: each line is scanned once
 * and copied in two pieces. Lines that need more (a conflicting label, a rule, an unusual notation) are parsed.
 */
export class PageReader {
  readonly #options: PageOptions;
  readonly #order: SeriesOrder;
  readonly #labels: TargetLabels;
  readonly #scan: LineScan;
  readonly #ruled: RuledSeries | undefined;
  readonly #limit: SeriesLimit | undefined;
  #rest: Buffer = NOTHING;
  #lines: LineBuffer | undefined;
  /** Timestamp and newline. */
  #tail = '';
  #ending: Buffer = NOTHING;
  #line = 0;
  #isOpenMetrics: boolean = false;
  #isAtEnd: boolean = false;
  /** The family whose `_created` samples are dropped. */
  #created = '';
  #scraped = 0;
  #kept = 0;
  #duplicates = 0;
  #misdated = 0;
  #names = new Map<string, number>();
  /** The name of the last line, and its number of lines so far: lines with the same name are adjacent. */
  #name = '';
  #nameBytes: Buffer = NOTHING;
  #ofName = 0;

  /** `limit` bounds the series of the target. */
  constructor(options: PageOptions, order: SeriesOrder, limit?: SeriesLimit) {
    this.#options = options;
    this.#order = order;
    this.#limit = limit;
    const { relabel } = options;
    this.#ruled = relabel.length > 0 ? new RuledSeries(relabel) : undefined;
    this.#labels = new TargetLabels(options);
    this.#scan = new LineScan(this.#labels.taken);
  }

  /** Begins a page with timestamp `stampMs`, whose lines go to `lines`. */
  begin(stampMs: number, isOpenMetrics: boolean, lines: LineBuffer): void {
    this.#order.begin();
    this.#limit?.begin(stampMs);
    this.release();
    this.#lines = lines;
    this.#tail = ` ${stampText(stampMs)}\n`;
    this.#ending = Buffer.from(this.#tail);
    this.#line = 0;
    this.#isOpenMetrics = isOpenMetrics;
    this.#isAtEnd = false;
    this.#created = '';
    this.#scraped = 0;
    this.#kept = 0;
    this.#duplicates = 0;
    this.#misdated = 0;
    this.#name = '';
    this.#nameBytes = NOTHING;
    this.#ofName = 0;
  }

  /** Reads a piece of a page. Throws {@link BadPage}. */
  read(piece: Buffer): void {
    const bytes = this.#rest.length === 0 ? piece : joinedInScratch(this.#rest, piece);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (bytes.length - end > MAX_PAGE_LINE_BYTES)
      this.#refuse(this.#line + 1, `is longer than ${MAX_PAGE_LINE_BYTES} bytes`);
    this.#read(bytes.subarray(0, end));
    // A copy: a view would retain the whole piece.
    this.#rest = Buffer.from(bytes.subarray(end));
  }

  /** Ends the page. Throws {@link BadPage}. */
  finish(): PageStatistics {
    // A page need not end with a newline; whether it is truncated is decided by the length of the response.
    if (this.#rest.length > 0) this.#read(Buffer.concat([this.#rest, END_OF_LINE]));
    if (this.#isOpenMetrics && !this.#isAtEnd) throw new BadPage('the page ends without "# EOF": it was truncated');
    this.#keep('');
    const counts = { scraped: this.#scraped, kept: this.#kept, duplicates: this.#duplicates, misdated: this.#misdated };
    const page = { ...counts, names: this.#names };
    this.release();
    return page;
  }

  /** Releases the buffers of a page. */
  release(): void {
    this.#rest = NOTHING;
    this.#lines = undefined;
    this.#names = new Map();
  }

  #read(bytes: Buffer): void {
    if (!isUtf8(bytes)) this.#refuse(this.#line + 1, 'or one shortly after it is not UTF-8');
    const scan = this.#scan;
    const { limits } = this.#options;
    const view = viewOf(bytes);
    for (let start = 0; start < bytes.length; start = scan.next) {
      this.#line++;
      if (this.#isOpenMetrics || !scan.scan(bytes, start)) {
        const newline = bytes.indexOf(NEWLINE, start);
        if (newline - start > MAX_PAGE_LINE_BYTES)
          this.#refuse(this.#line, `is longer than ${MAX_PAGE_LINE_BYTES} bytes`);
        if (this.#isOpenMetrics || !isIdle(bytes, start)) this.#odd(bytes.toString('latin1', start, newline));
        scan.next = newline + 1;
        continue;
      }
      if (scan.end - start > MAX_PAGE_LINE_BYTES)
        this.#refuse(this.#line, `is longer than ${MAX_PAGE_LINE_BYTES} bytes`);
      const { nameEnd, labelsStart, labelsEnd } = scan;
      if (scan.labels > limits.labels || scan.longest > limits.labelBytes) {
        this.#measure(labelsIn(bytes.toString('latin1', labelsStart, labelsEnd), this.#line));
      }
      // Includes the closing bracket, so that a name is not a prefix of another one with labels.
      const hash = seriesHash(view, start, labelsStart === labelsEnd ? nameEnd : labelsEnd + 1);
      if (!this.#count(hash)) continue;
      if (!this.#isDated(this.#ownStamp(bytes))) continue;
      const isHard = scan.clashes > 0 && (scan.isTangled || this.#options.honorLabels);
      if (this.#ruled !== undefined || isHard) this.#apart(hash, bytes, start);
      else if (this.#limit?.takes(hash) !== false) this.#pass(bytes, start);
    }
  }

  /** Writes the scanned line with the labels of the target. */
  #pass(bytes: Buffer, start: number): void {
    const { nameEnd, labelsStart, labelsEnd, valueStart, valueEnd } = this.#scan;
    this.#kept++;
    const isSame = nameEnd - start === this.#nameBytes.length && areEqual(bytes, start, nameEnd, this.#nameBytes, 0);
    if (isSame) this.#ofName++;
    else this.#keep(bytes.toString('latin1', start, nameEnd));
    const { opening, closed } = this.#labels;
    const lines = this.#lines;
    if (lines === undefined) return;
    const ending = this.#endingOf(bytes);
    lines.reserve(valueEnd - start + closed.length + ending.length + this.#scan.clashes * PREFIX.length);
    lines.put(bytes, start, nameEnd);
    if (labelsStart === labelsEnd) {
      lines.put(closed, 0, closed.length);
      lines.put(bytes, valueStart, valueEnd);
    } else {
      lines.put(opening, 0, opening.length);
      let from = labelsStart;
      for (let index = 0; index < this.#scan.clashes; index++) {
        const clash = this.#scan.clashStarts[index] ?? from;
        lines.put(bytes, from, clash);
        lines.put(PREFIX, 0, PREFIX.length);
        from = clash;
      }
      lines.put(bytes, from, valueEnd);
    }
    lines.put(ending, 0, ending.length);
  }

  /** The scanned line, with its parts as text. */
  #apart(hash: number, bytes: Buffer, start: number): void {
    if (this.#ruled?.isDropped(hash)) return;
    const { nameEnd, labelsStart, labelsEnd, valueStart, valueEnd, clashes } = this.#scan;
    const name = bytes.toString('latin1', start, nameEnd);
    const labels = bytes.toString('latin1', labelsStart, labelsEnd);
    const value = bytes.toString('latin1', valueStart, valueEnd);
    this.#careful(hash, name, labels, clashes > 0, value, this.#endingOf(bytes).toString('latin1'));
  }

  /** The honoured timestamp of the scanned line. */
  #ownStamp(bytes: Buffer): number | undefined {
    return this.#options.honorTimestamps ? this.#scan.stampOf(bytes) : undefined;
  }

  /** Whether an honoured timestamp can be pushed; counts the line otherwise. */
  #isDated(stampMs: number | undefined): boolean {
    if (stampMs === undefined || isPushable(stampMs)) return true;
    this.#misdated++;
    return false;
  }

  #endingOf(bytes: Buffer): Buffer {
    const stampMs = this.#ownStamp(bytes);
    return stampMs === undefined ? this.#ending : Buffer.from(` ${stampText(stampMs)}\n`);
  }

  /** Counts a series whose name differs from the last one. */
  #keep(name: string): void {
    if (this.#ofName > 0) {
      const before = this.#names.get(this.#name);
      this.#names.set(before === undefined ? owned(this.#name) : this.#name, (before ?? 0) + this.#ofName);
    }
    this.#name = name;
    this.#nameBytes = Buffer.from(name, 'latin1');
    this.#ofName = name === '' ? 0 : 1;
  }

  /** Whether a series is new on this page. */
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

  /** A line in unusual notation: a comment, additional blanks, OpenMetrics. */
  #odd(written: string): void {
    const line = written.endsWith('\r') ? written.slice(0, -1) : written;
    if (this.#isAtEnd && line !== '') this.#refuse(this.#line, 'follows "# EOF"');
    if (line.startsWith('#')) this.#comment(line);
    const sample = this.#sampleOf(line);
    if (sample === undefined) return;
    const { name, labels, valueText, stampMs } = sample;
    if (this.#created !== '' && name === `${this.#created}_created`) return;
    this.#measure(labels);
    const block = labels.length === 0 ? '' : blockOf(labels);
    const clashes = labels.some(([label]) => this.#labels.taken.has(label));
    const key = block === '' ? name : `${name}{${block}}`;
    const hash = seriesHash(viewOf(Buffer.from(key, 'latin1')), 0, key.length);
    if (!this.#count(hash)) return;
    const own = this.#options.honorTimestamps ? stampMs : undefined;
    if (!this.#isDated(own)) return;
    const tail = own === undefined ? this.#tail : ` ${stampText(own)}\n`;
    this.#careful(hash, name, block, clashes, valueText, tail);
  }

  #comment(line: string): void {
    if (!this.#isOpenMetrics) return;
    if (line === '# EOF') this.#isAtEnd = true;
    const [, word, name = '', type = ''] = line.split(' ', 4);
    if (word === 'TYPE') this.#created = /^(?:counter|histogram|summary)$/.test(type) ? name : '';
  }

  #sampleOf(line: string) {
    const plain = this.#isOpenMetrics ? (OPEN_METRICS_TAIL.exec(line)?.[1] ?? line) : line;
    // Converts fractional seconds to the milliseconds of the older format.
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

  /** A line with conflicting labels, or with relabel rules. */
  #careful(hash: number, name: string, labels: string, clashes: boolean, value: string, stamp: string): void {
    if (this.#ruled?.isDropped(hash)) return;
    const key = name + this.#labels.around(labels, clashes, this.#line);
    const seen = this.#ruled === undefined ? key : this.#ruled.keyOf(hash, key);
    if (seen === undefined || this.#limit?.takes(hash) === false) return;
    this.#kept++;
    const kept = seen.slice(0, seen.indexOf('{'));
    if (kept === this.#name) this.#ofName++;
    else this.#keep(kept);
    this.#lines?.add(`${seen} ${value}${stamp}`);
  }

  /** Rejects labels over the limits. */
  #measure(labels: LatinLabels): void {
    const { limits } = this.#options;
    if (labels.length > limits.labels) {
      this.#refuse(this.#line, `has ${labels.length} labels, the limit is ${limits.labels}`);
    }
    const longest = labels.find(([label, value]) => label.length + value.length > limits.labelBytes);
    if (longest) {
      this.#refuse(this.#line, `has a label ${longest[0].slice(0, 60)} of more than ${limits.labelBytes} bytes`);
    }
  }

  #refuse(line: number, what: string): never {
    throw new BadPage(`line ${line} ${what}`);
  }
}

const PREFIX = Buffer.from('exported_');
const NOTHING = Buffer.alloc(0);
const END_OF_LINE = Buffer.from('\n');

/** Value and timestamp of an OpenMetrics line without its exemplar. */
const SECONDS = /^(.*[}\s][ \t]*\S+)[ \t]+(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)$/;

const utf8 = (text: string): string => Buffer.from(text, 'latin1').toString();
