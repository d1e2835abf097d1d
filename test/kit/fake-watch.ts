import type { ServerResponse } from 'node:http';

/** One open watch of the fake API server, with its possible faults. */
export class FakeWatch {
  readonly path: string;
  readonly namespace: string | undefined;
  readonly bookmarks: boolean;
  readonly #response: ServerResponse;
  readonly #render: (object: object) => object;
  #mode: 'right' | 'cut' | 'silent' = 'right';
  /** Called as soon as this side breaks or ends it. */
  onEnd: () => void = () => {};

  constructor(
    response: ServerResponse,
    path: string,
    namespace: string | undefined,
    bookmarks: boolean,
    render: (object: object) => object,
  ) {
    this.#response = response;
    this.path = path;
    this.namespace = namespace;
    this.bookmarks = bookmarks;
    this.#render = render;
  }

  /** Sends an event, or half of it and a reset after {@link cutNext}. */
  send(type: string, object: object): void {
    const line = `${JSON.stringify({ type, object: type === 'ERROR' ? object : this.#render(object) })}\n`;
    if (this.#mode !== 'cut') {
      this.raw(line);
      return;
    }
    this.freeze();
    // Broken only once the half line has been sent: the reset would overtake it.
    this.#response.write(line.slice(0, line.length / 2), () => this.reset());
  }

  /** Sends text unchanged. */
  raw(text: string): void {
    if (this.#mode !== 'silent') this.#response.write(text);
  }

  /** Breaks the connection in the middle of the next event. */
  cutNext(): void {
    this.#mode = 'cut';
  }

  /** From now on nothing is sent, and the connection stays open, as with a lost peer. */
  freeze(): void {
    this.#mode = 'silent';
  }

  /** Ends the watch like the server after timeoutSeconds; if the peer is lost, the end does not arrive. */
  expire(): void {
    if (this.#mode !== 'silent') this.end();
  }

  /** Ends the response cleanly. */
  end(): void {
    this.freeze();
    this.onEnd();
    this.#response.end();
  }

  reset(): void {
    this.freeze();
    this.onEnd();
    this.#response.socket?.resetAndDestroy();
  }
}
