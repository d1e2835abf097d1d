/** The head of an HTTP/1.1 request. */
export interface RequestHead {
  /** Path and query. */
  readonly path: string;
  /** Content-Length; 0 if absent. */
  readonly bytes: number;
  /** The head as sent, with the empty line. */
  readonly raw: Buffer;
}

export interface RequestEvents {
  begin(head: RequestHead): void;
  /** A piece of the body, awaited before the next. Called once, with an empty piece, for a request without body. */
  body(piece: Buffer): Promise<void> | undefined;
  end(): void;
}

/** Finds the requests in the bytes of one connection; requests with Content-Length only, as exporters send them. */
export class RequestReader {
  readonly #events: RequestEvents;
  #head = Buffer.alloc(0);
  /** Remaining bytes of the body; undefined while the head is incomplete. */
  #left: number | undefined;

  constructor(events: RequestEvents) {
    this.#events = events;
  }

  async read(chunk: Buffer): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left === undefined) {
        const before = this.#head.length;
        this.#head = Buffer.concat([this.#head, rest]);
        const end = this.#head.indexOf('\r\n\r\n');
        if (end === -1) return;
        const raw = this.#head.subarray(0, end + 4);
        rest = rest.subarray(raw.length - before);
        this.#head = Buffer.alloc(0);
        const text = raw.toString('latin1');
        const path = text.split(' ', 2)[1] ?? '';
        this.#left = Number(/^content-length:\s*(\d+)/im.exec(text)?.[1] ?? 0);
        this.#events.begin({ path, bytes: this.#left, raw });
        if (this.#left > 0) continue;
      }
      const piece = rest.subarray(0, this.#left);
      rest = rest.subarray(piece.length);
      this.#left -= piece.length;
      await this.#events.body(piece);
      if (this.#left > 0) continue;
      this.#left = undefined;
      this.#events.end();
    }
  }
}
