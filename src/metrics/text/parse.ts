import { isMetricName, type MetricType } from '../family.ts';

/** One sample line. `timestampMs` is present only when the line has a timestamp. */
export interface TextSample {
  readonly kind: 'sample';
  readonly name: string;
  /** In the line's order. */
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly value: number;
  readonly timestampMs?: number;
}

/** A `# TYPE` line. */
export interface TextType {
  readonly kind: 'type';
  readonly name: string;
  readonly type: MetricType;
}

/** A `# HELP` line, unescaped. */
export interface TextHelp {
  readonly kind: 'help';
  readonly name: string;
  readonly help: string;
}

type TextLine = TextSample | TextType | TextHelp;

/** A line that is not in the text format; `line` counts from 1. */
export class TextFormatError extends Error {
  override readonly name = 'TextFormatError';
  readonly line: number;
  /** The message without the content of the line, for readers who must not see that content. */
  readonly withoutContent: string;

  constructor(line: number, message: string, withoutContent = message) {
    super(`line ${line}: ${message}`);
    this.line = line;
    this.withoutContent = `line ${line}: ${withoutContent}`;
  }
}

const TYPES: readonly string[] = ['counter', 'gauge', 'histogram', 'summary', 'untyped'] satisfies MetricType[];
const isType = (word: string): word is MetricType => TYPES.includes(word);
const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL = /[a-zA-Z_][a-zA-Z0-9_]*/y;
/** Receivers drop series with far fewer labels. This limit bounds the time of the search for duplicates. */
const MAX_LABELS = 256;
/** A quoted name, as in HELP and TYPE lines, or any other word. */
const COMMENT = /^[ \t]*#[ \t]+(HELP|TYPE)[ \t]+("(?:[^"\\]|\\.)*"|\S+)(?:[ \t]+(.*))?$/;
const BLANKS = /[ \t]*/y;
const NUMBER = /^[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|inf|infinity|nan)$/i;

/** Options of the text format to parse. */
interface TextFormatOptions {
  /** Names may be any quoted UTF-8, as in Prometheus 3: `{"my.metric", "label.name"="x"} 1`. Off by default. */
  readonly quotedNames?: boolean;
}

/**
 * Parses the Prometheus text format 0.0.4 line by line; yields nothing for blank lines and plain comments.
 * Throws {@link TextFormatError} at the first bad line. Source: the exposition format document of prometheus.io.
 */
export function* parseText(text: string, options: TextFormatOptions = {}): Generator<TextLine> {
  let number = 0;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    number++;
    const parsed = parseLine(text.slice(start, end), number, options);
    if (parsed) yield parsed;
    start = end + 1;
  }
}

/** A series key as name and labels, for keys of this agent's own series. */
export function parseKey(key: string): TextSample {
  const line = parseLine(`${key} 0`);
  if (line?.kind !== 'sample') throw new Error(`BUG: not a series: ${key}`);
  return line;
}

/** Parses one line, without its newline; undefined for blank lines and plain comments. */
export function parseLine(
  line: string,
  number = 1,
  { quotedNames = false }: TextFormatOptions = {},
): TextLine | undefined {
  const cursor = new LineCursor(line, number);
  cursor.take(BLANKS);
  if (cursor.done) return undefined;
  return cursor.peek === '#' ? parseComment(line, number, quotedNames) : parseSample(cursor, quotedNames);
}

function parseComment(line: string, number: number, quotedNames: boolean): TextLine | undefined {
  const match = COMMENT.exec(line);
  if (!match) return undefined;
  const [, keyword, word = '', rest = ''] = match;
  const isQuoted = quotedNames && word.startsWith('"');
  const name = isQuoted ? new LineCursor(word, number).quoted('a metric name') : word;
  if (isQuoted ? name === '' : !isMetricName(name))
    throw new TextFormatError(
      number,
      `bad metric name ${quote(name)} after # ${keyword}`,
      `bad metric name after # ${keyword}`,
    );
  if (keyword === 'HELP') {
    const help = rest.replace(/\\(\\|n)/g, (_, escaped) => (escaped === 'n' ? '\n' : '\\'));
    return { kind: 'help', name, help };
  }
  const type = rest.trim();
  if (!isType(type))
    throw new TextFormatError(number, `unknown type ${quote(type)} of ${name}`, `unknown type of ${name}`);
  return { kind: 'type', name, type };
}

function parseSample(cursor: LineCursor, quotedNames: boolean): TextSample {
  const bareName = cursor.take(NAME);
  if (bareName === '' && !(quotedNames && cursor.peek === '{'))
    throw cursor.error('a line must start with a metric name or #');
  cursor.take(BLANKS);
  const hasLabels = cursor.peek === '{';
  if (hasLabels) cursor.skip('{');
  const name = bareName === '' ? parseQuotedName(cursor) : bareName;
  const labels = hasLabels ? parseLabels(cursor, quotedNames) : [];
  const [valueText = '', timestampText, ...more] = cursor.rest.trim().split(/[ \t]+/);
  if (more.length > 0)
    throw cursor.error(`text after the timestamp: ${quote(more.join(' '))}`, 'text after the timestamp');
  if (!NUMBER.test(valueText))
    throw cursor.error(`${quote(valueText)} is not a number`, `the value of ${name} is not a number`);
  const value = parseGoFloat(valueText);
  // As Go's ParseFloat, and with it Prometheus, the Pushgateway and node_exporter.
  if (!Number.isFinite(value) && /\d/.test(valueText))
    throw cursor.error(`${quote(valueText)} is out of the range of a float64`, `the value of ${name} is out of range`);
  const sample: TextSample = { kind: 'sample', name, labels, value };
  if (timestampText === undefined) return sample;
  // VictoriaMetrics reads fractions and exponents as well.
  if (!/^-?\d+(?:\.\d+)?(?:e\d+)?$/.test(timestampText))
    throw cursor.error(
      `timestamp ${quote(timestampText)} is not an integer`,
      `the timestamp of ${name} is not an integer`,
    );
  return { ...sample, timestampMs: Math.trunc(Number(timestampText)) };
}

/** The name at the start of `{"my.metric", …}`, with the separator before the labels. */
function parseQuotedName(cursor: LineCursor): string {
  cursor.take(BLANKS);
  const name = cursor.quoted('a metric name');
  if (name === '') throw cursor.error('the metric name is empty');
  cursor.take(BLANKS);
  if (cursor.peek === ',') cursor.skip(',');
  else if (cursor.peek !== '}') throw cursor.error(`expected "," or "}" at column ${cursor.column}`);
  return name;
}

/** The labels after the opening brace, with the closing one. */
function parseLabels(cursor: LineCursor, quotedNames: boolean): [string, string][] {
  const labels: [string, string][] = [];
  for (;;) {
    cursor.take(BLANKS);
    if (cursor.peek === '}') break;
    const name = quotedNames && cursor.peek === '"' ? cursor.quoted('a label name') : cursor.take(LABEL);
    if (name === '') throw cursor.error(`expected a label name at column ${cursor.column}`);
    if (labels.some(([other]) => other === name)) throw cursor.error(`duplicate label ${name}`, 'duplicate label');
    if (labels.length === MAX_LABELS) throw cursor.error(`more than ${MAX_LABELS} labels`);
    cursor.take(BLANKS);
    cursor.skip('=');
    cursor.take(BLANKS);
    labels.push([name, cursor.quoted(`the value of label ${name}`, 'the value of a label')]);
    cursor.take(BLANKS);
    if (cursor.peek === ',') cursor.skip(',');
    else if (cursor.peek !== '}') throw cursor.error(`expected "," or "}" at column ${cursor.column}`);
  }
  cursor.skip('}');
  return labels;
}

/** Reads numbers as Go's ParseFloat prints them. */
function parseGoFloat(text: string): number {
  if (!/[in]/i.test(text)) return Number(text);
  if (/nan/i.test(text)) return Number.NaN;
  return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

class LineCursor {
  readonly #line: string;
  readonly #number: number;
  #at = 0;

  constructor(line: string, number: number) {
    this.#line = line;
    this.#number = number;
  }

  get peek(): string | undefined {
    return this.#line[this.#at];
  }

  get done(): boolean {
    return this.#at >= this.#line.length;
  }

  get rest(): string {
    return this.#line.slice(this.#at);
  }

  get column(): number {
    return this.#at + 1;
  }

  /** Consumes what the sticky `pattern` matches here, perhaps nothing. */
  take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#line)?.[0] ?? '';
    this.#at += text.length;
    return text;
  }

  skip(character: string): void {
    if (this.peek !== character) throw this.error(`expected ${quote(character)} at column ${this.column}`);
    this.#at++;
  }

  /** A quoted string. Errors refer to it by `what`, or by `withoutContent`. */
  quoted(what: string, withoutContent = what): string {
    this.skip('"');
    const plain = this.#line.slice(this.#at, this.#line.indexOf('"', this.#at));
    if (this.#line[this.#at + plain.length] === '"' && !plain.includes('\\')) {
      this.#at += plain.length + 1;
      return plain;
    }
    let value = '';
    for (;;) {
      const character = this.peek;
      if (character === undefined)
        throw this.error(`${what} has no closing quote`, `${withoutContent} has no closing quote`);
      this.#at++;
      if (character === '"') return value;
      if (character !== '\\') {
        value += character;
        continue;
      }
      const escaped = this.peek;
      if (escaped === 'n') value += '\n';
      else if (escaped === '"' || escaped === '\\') value += escaped;
      else throw this.error(`unknown escape \\${escaped ?? ''} in ${what}`, `unknown escape in ${withoutContent}`);
      this.#at++;
    }
  }

  error(message: string, withoutContent = message): TextFormatError {
    return new TextFormatError(this.#number, message, withoutContent);
  }
}
