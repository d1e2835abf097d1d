import { joined } from '../base/joined.ts';
import { ApiBodyError } from './api.ts';
import { parseWithoutManagers } from './managed-fields.ts';
import type { KubeObject } from './object.ts';

/** Metadata of a list. */
export interface ListMeta {
  readonly resourceVersion: string;
  /** Set when more pages follow. */
  readonly continue?: string;
}

/** What a list states before its first object. */
interface ListHead {
  readonly kind?: string;
  readonly next?: string;
}

/** Length of the text that marks the beginning of an object: `{"metadata":{`. */
const OPENING_BYTES = 13;
/** After this many wrong guesses, the ends of a list's objects are no longer guessed. */
const MAX_WRONG = 4;

const SEAM = Buffer.from('},');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;
const CLOSE_ARRAY = 0x5d;
const CLOSE_OBJECT = 0x7d;

/**
 * The seam before the object that begins at `at`. Undefined when the chunk ends too early: with less of the opening, a
 * seam might also be found in a string.
 */
const seamAt = (chunk: Buffer, at: number): Buffer | undefined =>
  at + OPENING_BYTES > chunk.length ? undefined : Buffer.concat([SEAM, chunk.subarray(at, at + OPENING_BYTES)]);

/**
 * Splits an API list while it is received: each object is parsed separately, so that neither the text of a page nor all
 * its objects are ever in memory together. Parsed in one piece, a page of 250 pods leaves 10 MB of garbage that V8
 * collects late: listing 10,000 pods took 140 MB.
 *
 * Only nesting and strings are tracked here; JSON.parse checks whether objects and the text around them are
 * well-formed. As tracking every byte takes as long as a third of the parsing, the end of an object is guessed first: it
 * is where the next object seems to begin. No part of an object that ends before it is JSON, so what can be parsed is
 * the whole object; otherwise the end is searched for.
 */
export class ListDecoder {
  readonly #url: string;
  readonly #maxBytes: number;
  readonly #skipsManagers: boolean;
  #depth = 0;
  /** 0 outside strings, 1 inside, 2 after a backslash. */
  #string = 0;
  /** Whether the value opened at depth 2 is an array: the array of objects. */
  #inItems = false;
  /** Parts of the current object; undefined between objects. */
  #parts: Buffer[] | undefined;
  #partBytes = 0;
  /** The list without its objects. */
  #envelope = '';
  /** The list metadata received before its first object; undefined before that. */
  #head: ListHead | undefined;
  /** What is between two objects, as far as it is the same for all: the end of one and the beginning of the next. */
  #seam: Buffer | undefined;
  #wrong = 0;

  /** Throws ApiBodyError for an object of more than `maxBytes`; `skipsManagers` drops `managedFields` from objects. */
  constructor(url: string, maxBytes: number, skipsManagers = false) {
    this.#url = url;
    this.#maxBytes = maxBytes;
    this.#skipsManagers = skipsManagers;
  }

  /**
   * The kind of objects that do not state one, derived from the kind of the list: `Pod` for a PodList. Undefined when
   * the list did not state its kind before its first object.
   */
  get itemKind(): string | undefined {
    return this.#head?.kind?.replace(/List$/, '');
  }

  /**
   * Where the next page begins, known as soon as the first object is: the API server writes the metadata of a list
   * before its objects. Undefined for the last page, and for a server with another order until {@link end}.
   */
  get next(): string | undefined {
    return this.#head?.next;
  }

  /** The objects that end in this part of the response. */
  *push(chunk: Buffer): Generator<KubeObject> {
    let start = 0;
    for (let from = 0; ; ) {
      const guessed = this.#guess(chunk, start);
      if (guessed !== undefined) {
        // The comma is skipped, and the next object is open.
        start = guessed.end + 1;
        from = start + 1;
        this.#parts = [];
        yield guessed.object;
        continue;
      }
      const at = this.#next(chunk, from);
      if (at >= chunk.length) break;
      from = at + 1;
      if (this.#parts !== undefined) {
        this.#keep(this.#parts, chunk.subarray(start, from));
        start = from;
        yield this.#object(this.#parts);
        this.#parts = undefined;
        continue;
      }
      this.#describe(chunk.toString('utf8', start, at));
      // Commas between objects are dropped like the objects.
      const opening = chunk[at] === OPEN_OBJECT;
      start = opening ? at : from;
      if (!opening) continue;
      this.#parts = [];
      this.#seam ??= seamAt(chunk, at);
      this.#head ??= this.#headSoFar();
    }
    if (this.#parts === undefined) this.#describe(chunk.toString('utf8', start));
    else this.#keep(this.#parts, chunk.subarray(start));
  }

  /**
   * The current object, which has bytes from `start` on in this chunk, and the position after it; undefined when its end
   * is not where it seems to be, or not in this chunk.
   */
  #guess(chunk: Buffer, start: number): { readonly object: KubeObject; readonly end: number } | undefined {
    if (this.#parts === undefined || this.#seam === undefined || this.#wrong >= MAX_WRONG) return undefined;
    const seam = chunk.indexOf(this.#seam, start);
    if (seam === -1) return undefined;
    const part = chunk.subarray(start, seam + 1);
    try {
      const object = this.#parse(joined([...this.#parts, part]));
      // An object that is too large is left to the search.
      if (this.#partBytes + part.length > this.#maxBytes) return undefined;
      this.#partBytes = 0;
      this.#depth = 3;
      this.#string = 0;
      return { object, end: seam + 1 };
    } catch {
      this.#wrong++;
      return undefined;
    }
  }

  /** Metadata of the list. Throws ApiBodyError when the list was incomplete. */
  end(): ListMeta {
    let list: { items?: readonly unknown[] | null; metadata?: Partial<ListMeta> } | null = null;
    try {
      list = JSON.parse(this.#envelope);
    } catch {
      // Reported below, like other responses that are not a list.
    }
    const { resourceVersion } = list?.metadata ?? {};
    if (list?.items === undefined || !resourceVersion) throw this.#malformed('not a list', this.#envelope);
    return { resourceVersion, ...(list.metadata?.continue && { continue: list.metadata.continue }) };
  }

  /** The next position from `from` on where an object of the list begins or ends, or a comma separates two. */
  #next(chunk: Buffer, from: number): number {
    let depth = this.#depth;
    let string = this.#string;
    let at = from;
    for (; at < chunk.length; at++) {
      if (string > 0) {
        // Most bytes are in strings, where all but two characters can be ignored.
        if (string === 2) {
          string = 1;
          continue;
        }
        while (at < chunk.length && chunk[at] !== QUOTE && chunk[at] !== BACKSLASH) at++;
        if (at < chunk.length) string = chunk[at] === QUOTE ? 0 : 2;
        continue;
      }
      const byte = chunk[at];
      if (byte === QUOTE) {
        string = 1;
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        depth++;
        if (depth === 2) this.#inItems = byte === OPEN_ARRAY;
        if (depth === 3 && this.#inItems) break;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        depth--;
        if (depth === 2 && this.#inItems) break;
      } else if (byte === COMMA && depth === 2 && this.#inItems) {
        break;
      }
    }
    this.#depth = depth;
    this.#string = string;
    return at;
  }

  #keep(parts: Buffer[], part: Buffer): void {
    parts.push(part);
    this.#partBytes += part.length;
    if (this.#partBytes > this.#maxBytes) {
      throw new ApiBodyError(this.#url, 'too-large', `an object is larger than ${this.#maxBytes} bytes`);
    }
  }

  #object(parts: readonly Buffer[]): KubeObject {
    const whole = joined(parts);
    this.#partBytes = 0;
    try {
      return this.#parse(whole);
    } catch {
      throw this.#malformed('not an object', whole.toString('utf8', 0, 100));
    }
  }

  #parse(object: Buffer): KubeObject {
    return this.#skipsManagers ? parseWithoutManagers(object) : JSON.parse(object.toString());
  }

  #headSoFar(): ListHead {
    try {
      const { kind, metadata } = JSON.parse(`${this.#envelope}]}`);
      const next = metadata?.continue;
      return { ...(typeof kind === 'string' && { kind }), ...(next && typeof next === 'string' && { next }) };
    } catch {
      // Reported at the end, like other responses that are not a list.
      return {};
    }
  }

  #describe(text: string): void {
    this.#envelope += text;
    if (this.#envelope.length > this.#maxBytes) throw this.#malformed('not a list', this.#envelope);
  }

  #malformed(what: string, text: string): ApiBodyError {
    return new ApiBodyError(this.#url, 'malformed', `${what}: ${text.slice(0, 100)}`);
  }
}
