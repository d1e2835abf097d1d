import { withoutClashes } from '../metrics/pushed-labels.ts';
import { blockOfPairs } from '../metrics/text/format.ts';
import { parseLine } from '../metrics/text/parse.ts';
import type { PageOptions } from './page.ts';

/** Names and values, as Latin-1 strings of bytes. */
export type LatinLabels = readonly (readonly [name: string, value: string])[];

/** The labels of a target, placed before those of its lines. Strings are bytes as Latin-1. */
export class TargetLabels {
  /** Names that conflict with labels of a line. */
  readonly taken: ReadonlySet<string>;
  /** `{job="…",instance="…",`, to be followed by the labels of a line, and the same for lines without labels. */
  readonly opening: Buffer;
  readonly closed: Buffer;
  readonly #labels: PageOptions['labels'];
  readonly #honorLabels: boolean;
  readonly #head: string;

  constructor({ labels, pushed, honorLabels }: Pick<PageOptions, 'labels' | 'pushed' | 'honorLabels'>) {
    this.#labels = labels;
    this.#honorLabels = honorLabels;
    this.#head = latin1(blockOfPairs(labels).replace(/^$/, '{}')).slice(0, -1);
    this.opening = Buffer.from(this.#head === '{' ? '{' : `${this.#head},`, 'latin1');
    this.closed = Buffer.from(`${this.#head}} `, 'latin1');
    this.taken = new Set([...labels.map(([name]) => name), ...pushed]);
  }

  /**
   * The combined labels, in brackets. `clashes`: whether a label of the line has one of these names; throws like {@link
   * labelsIn}.
   */
  around(labels: string, clashes: boolean, line: number): string {
    const own = clashes ? this.#renamed(labels, line) : `${this.#head}${labels === '' ? '' : ','}${labels}`;
    return `${own.replace(/^\{,/, '{')}}`;
  }

  /** The labels of target and line, without conflicts. */
  #renamed(labels: string, line: number): string {
    // Pages with pod labels have a conflict in each line: nearly all of them only need the prefix.
    if (!this.#honorLabels && !labels.includes('exported_')) return this.#prefixed(labels);
    const own = labelsIn(labels, line);
    if (this.#honorLabels) {
      const theirs = new Set(own.flatMap(([label, value]) => (value === '' ? [] : [label])));
      const left = this.#labels
        .filter(([label]) => !theirs.has(label))
        .map(([label, value]) => [label, latin1(value)] as const);
      return `{${blockOf([...left, ...own.filter(([, value]) => value !== '')])}`;
    }
    return `${this.#head},${blockOf(withoutClashes(own, this.taken))}`.replace(/,$/, '');
  }

  /** Adds the prefix `exported_` to conflicting labels, if no label begins with it yet. */
  #prefixed(labels: string): string {
    let made = this.#head;
    ONE_LABEL.lastIndex = 0;
    for (let match = ONE_LABEL.exec(labels); match !== null; match = ONE_LABEL.exec(labels)) {
      const [, name = '', quoted = ''] = match;
      if (!this.taken.has(name)) made += `,${name}=${quoted}`;
      else if (quoted !== '""') made += `,exported_${name}=${quoted}`;
    }
    return made;
  }
}

/** Labels without their brackets. Throws TextFormatError for an invalid escape. */
export function labelsIn(labels: string, line: number): LatinLabels {
  const parsed = parseLine(`x{${labels}} 0`, line);
  return parsed?.kind === 'sample' ? parsed.labels : [];
}

/** One label of a line that is known to be valid. */
const ONE_LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)=("[^"\\]*(?:\\.[^"\\]*)*"),?/y;

const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

/** Labels as text, without brackets; only escapes, because the strings are bytes. */
export const blockOf = (labels: LatinLabels): string =>
  labels.map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (one) => ESCAPES[one] ?? one)}"`).join();
