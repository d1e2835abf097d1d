import type { ServerResponse } from 'node:http';

/** One open watch of the fake API server, with what can go wrong with it. */
export class FakeWatch {
  readonly path: string;
  readonly namespace: string | undefined;
  readonly bookmarks: boolean;
  readonly #response: ServerResponse;
  readonly #render: (object: object) => object;
  #mode: 'right' | 'cut' | 'silent' = 'right';
  /** Called as soon as it is broken or ended from here. */
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

  /** Sends an event, or half of it and a reset when {@link cutNext} was asked for. */
  send(type: string, object: object): void {
    const line = `${JSON.stringify({ type, object: type === 'ERROR' ? object : this.#render(object) })}\n`;
    if (this.#mode !== 'cut') {
      this.raw(line);
      return;
    }
    this.freeze();
    // Broken only once the half line is on its way: the reset would overtake it.
    this.#response.write(line.slice(0, line.length / 2), () => this.reset());
  }

  /** Sends text as it is. */
  raw(text: string): void {
    if (this.#mode !== 'silent') this.#response.write(text);
  }

  /** The next event breaks the connection in its middle. */
  cutNext(): void {
    this.#mode = 'cut';
  }

  /** From now on nothing is sent, and the connection stays open: what a lost peer looks like. */
  freeze(): void {
    this.#mode = 'silent';
  }

  /** What the server does after timeoutSeconds; nothing of it arrives when the peer is lost. */
  expire(): void {
    if (this.#mode !== 'silent') this.end();
  }

  /** Ends the answer in order. */
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
