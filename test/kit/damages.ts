import type { Random } from './random.ts';

/** A way in which a file can be malformed. */
export interface Damage {
  readonly name: string;
  /** The error that a reader gets instead of text. */
  readonly error?: 'EACCES' | 'EIO';
  /** Whether no kernel produces such a file: others may be valid, for example from a kernel with fewer lines. */
  readonly isNever: boolean;
  apply(text: string, random: Random): string;
}

const same = (text: string): string => text;

/** The text with one match of `pattern` replaced. */
function replaceOne(text: string, random: Random, pattern: RegExp, replace: (match: string) => string): string {
  const matches = [...text.matchAll(pattern)];
  if (matches.length === 0) return text;
  const { 0: match, index } = random.pick(matches);
  return text.slice(0, index) + replace(match) + text.slice(index + match.length);
}

const LINE = /[^\n]+\n?/g;
const NUMBER = /\b\d+\b/g;

/** All of them. */
export const DAMAGES: readonly Damage[] = [
  { name: 'EACCES', error: 'EACCES', isNever: true, apply: same },
  { name: 'EIO', error: 'EIO', isNever: true, apply: same },
  { name: 'nothing in it', isNever: true, apply: () => '' },
  { name: 'NUL bytes', isNever: true, apply: (text) => '\0'.repeat(Math.max(1, text.length)) },
  { name: 'CRLF line endings', isNever: false, apply: (text) => text.replaceAll('\n', '\r\n') },
  { name: 'truncation', isNever: false, apply: (text, random) => text.slice(0, random.below(text.length + 1)) },
  { name: 'a lost line', isNever: false, apply: (text, random) => replaceOne(text, random, LINE, () => '') },
  {
    name: 'a line twice',
    isNever: false,
    apply: (text, random) => replaceOne(text, random, LINE, (line) => line + line),
  },
  {
    name: 'one more column',
    isNever: false,
    apply: (text, random) => replaceOne(text, random, LINE, (line) => `${line.trimEnd()} 7\n`),
  },
  {
    name: 'a huge number',
    isNever: false,
    apply: (text, random) => replaceOne(text, random, NUMBER, () => '9'.repeat(400)),
  },
  {
    name: 'an odd number',
    isNever: false,
    apply: (text, random) =>
      replaceOne(text, random, NUMBER, () =>
        random.pick(['-5', '0x1f', '1e400', 'nan', '1.5', '', '18446744073709551615']),
      ),
  },
  {
    name: 'a byte changed',
    isNever: false,
    apply(text, random) {
      const at = random.below(text.length + 1);
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1);
    },
  },
];
