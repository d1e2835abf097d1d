import { sleep } from '../base/clock.ts';
import type { HttpRequest, RouteMethods } from './message.ts';

/** Limits of the stream. */
export interface EventOptions {
  /** Maximum number of clients. */
  readonly most?: number;
  /** Shortest time between two events. */
  readonly gapMs?: number;
  /** Longest silence: shorter than the time after which proxies and our own server treat a connection as dead. */
  readonly heartbeatMs?: number;
}

const HEARTBEAT = Buffer.from(': alive\n\n');

/**
 * Server-sent events of one kind: the newest state, sent again after each change. Slow clients miss intermediate
 * events; nothing is queued for them, and stalled connections are closed by the server.
 */
export class EventStream {
  readonly #name: string;
  readonly #data: () => unknown;
  readonly #options: Required<EventOptions>;
  #clients = 0;
  /** Counts the changes that clients are notified of. */
  #version = 0;
  /** The event of this version, created once for all clients. */
  #event: Buffer | undefined;
  #changed = new AbortController();
  #gap: NodeJS.Timeout | undefined;
  #pending: boolean = false;

  /** Events are called `name`; `data` returns their content, called only while a client listens. */
  constructor(name: string, data: () => unknown, { most = 8, gapMs = 1000, heartbeatMs = 10_000 }: EventOptions = {}) {
    this.#name = name;
    this.#data = data;
    this.#options = { most, gapMs, heartbeatMs };
  }

  /** The current listeners. */
  get clients(): number {
    return this.#clients;
  }

  /** The endpoint that serves it. */
  get endpoint(): RouteMethods {
    return {
      endless: true,
      atOnce: this.#options.most,
      GET: ({ signal }) => ({
        status: 200,
        type: 'text/event-stream',
        headers: { 'cache-control': 'no-store, no-transform' },
        body: this.#follow(signal),
      }),
    };
  }

  /** Notifies all clients of a change: now, or when the gap after the last event is over. */
  publish(): void {
    if (this.#clients === 0) return;
    if (this.#gap) {
      this.#pending = true;
      return;
    }
    this.#version++;
    this.#event = undefined;
    this.#changed.abort();
    this.#changed = new AbortController();
    this.#gap = setTimeout(() => this.#gapEnded(), this.#options.gapMs);
    this.#gap.unref();
  }

  #gapEnded(): void {
    this.#gap = undefined;
    if (!this.#pending) return;
    this.#pending = false;
    this.publish();
  }

  async *#follow(gone: HttpRequest['signal']): AsyncGenerator<Buffer> {
    this.#clients++;
    // A client that connects between two changes gets the current state.
    if (this.#gap === undefined) this.#event = undefined;
    try {
      yield Buffer.from('retry: 5000\n\n');
      for (let sent = -1; !gone.aborted; ) {
        if (sent !== this.#version) {
          sent = this.#version;
          yield this.#current();
          continue;
        }
        const wake = AbortSignal.any([gone, this.#changed.signal]);
        await sleep(this.#options.heartbeatMs, wake, { ref: false });
        if (!wake.aborted) yield HEARTBEAT;
      }
    } finally {
      this.#clients--;
      if (this.#clients === 0) this.#event = undefined;
    }
  }

  #current(): Buffer {
    this.#event ??= Buffer.from(`event: ${this.#name}\ndata: ${JSON.stringify(this.#data())}\n\n`);
    return this.#event;
  }
}
