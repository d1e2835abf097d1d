/** Why an expression can't be used. */
export class PatternError extends Error {
  override readonly name = 'PatternError';

  constructor(source: string, reason: string) {
    super(`invalid regular expression ${JSON.stringify(source)}: ${reason}`);
  }
}

/** An expression as text, read from left to right by code points. */
export class PatternText {
  readonly #source: string;
  /** The characters, each a whole code point. */
  readonly #text: readonly string[];
  /** Position of the next character. */
  at = 0;

  constructor(source: string) {
    this.#source = source;
    this.#text = [...source];
  }

  refuse(reason: string): never {
    throw new PatternError(this.#source, reason);
  }

  /** The character at `offset` from the next one; undefined after the end. */
  peek(offset = 0): string | undefined {
    return this.#text[this.at + offset];
  }

  /** The next character, which is consumed; undefined at the end. */
  step(): string | undefined {
    return this.#text[this.at++];
  }

  /** Whether all characters are consumed. */
  get isOver(): boolean {
    return this.at >= this.#text.length;
  }

  /** The text from position `start`, up to `end`. */
  slice(start: number, end: number): string {
    return this.#text.slice(start, end).join('');
  }

  /** Consumes `word` if it is next. */
  take(word: string): boolean {
    for (let offset = 0; offset < word.length; offset++) {
      if (this.#text[this.at + offset] !== word[offset]) return false;
    }
    this.at += word.length;
    return true;
  }

  /** The characters up to the next `end`, which is consumed; undefined without one. */
  until(end: string): string | undefined {
    const at = this.#text.indexOf(end, this.at);
    if (at === -1) return undefined;
    const text = this.#text.slice(this.at, at).join('');
    this.at = at + 1;
    return text;
  }
}
