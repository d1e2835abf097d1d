import { Pattern } from '../../config/re2/pattern.ts';

/** Unnamed groups get such a name, so that `${1}` can be filled in. */
const NUMBERED = '_';

/**
 * An expression whose groups can be used by number: `groups` returns all of them, by number and by name. Throws
 * PatternError.
 */
export class Expression {
  /** The source text. */
  readonly source: string;
  readonly #pattern: Pattern;
  /** Names of all groups, in order; those of numbered ones begin with {@link NUMBERED}. */
  readonly #names: readonly string[];

  constructor(source: string) {
    this.source = source;
    // Reports errors in terms of the original expression.
    Pattern.of(source);
    const names: string[] = [];
    this.#pattern = Pattern.of(withNames(source, names));
    this.#names = names;
  }

  /** The groups of the first match, empty for those that did not participate; undefined without a match. */
  groups(text: string): ReadonlyMap<string, string> | undefined {
    const found = this.#pattern.groups(text);
    if (found === undefined) return undefined;
    const groups = new Map<string, string>();
    for (const [index, name] of this.#names.entries()) {
      const value = found.get(name) ?? '';
      groups.set(String(index + 1), value);
      if (!name.startsWith(NUMBERED)) groups.set(name, value);
    }
    return groups;
  }
}

/** Gives each capturing group of `source` a name. Classes and quoted parts have no groups. */
function withNames(source: string, names: string[]): string {
  let made = '';
  for (let at = 0; at < source.length; at++) {
    const character = source[at] ?? '';
    if (source.startsWith('\\Q', at)) {
      const end = source.indexOf('\\E', at);
      const stop = end === -1 ? source.length : end + 2;
      made += source.slice(at, stop);
      at = stop - 1;
    } else if (character === '\\') {
      made += source.slice(at, at + 2);
      at++;
    } else if (character === '[') {
      const end = classEnd(source, at);
      made += source.slice(at, end);
      at = end - 1;
    } else if (character === '(') {
      const named = /^\(\?P?<(\w+)>/.exec(source.slice(at))?.[1];
      const isGroup = source[at + 1] !== '?';
      if (named !== undefined) names.push(named);
      else if (isGroup) names.push(`${NUMBERED}${names.length + 1}`);
      made += isGroup ? `(?P<${names.at(-1)}>` : '(';
    } else made += character;
  }
  return made;
}

/** The position after the `]` that ends the class beginning at `start`. */
function classEnd(source: string, start: number): number {
  let at = start + 1;
  if (source[at] === '^') at++;
  if (source[at] === ']') at++;
  for (; at < source.length && source[at] !== ']'; at++) {
    if (source[at] === '\\') at++;
    else if (source.startsWith('[:', at)) {
      const end = source.indexOf(':]', at + 2);
      if (end !== -1) at = end + 1;
    }
  }
  return at + 1;
}
