import type { Socket } from 'node:net';
import { ProbeFailure } from './failure.ts';

/** Go's limit for a line. */
const MAX_LINE_BYTES = 64 * 1024;
/** A peer that sends more than this without the expected text is not the intended one. */
const MAX_BYTES = 1024 * 1024;

/** Reads the data received on a connection, line by line. */
export class Incoming {
  readonly #socket: Socket;
  #waiting: Buffer = Buffer.alloc(0);
  #total = 0;
  #state: 'open' | 'ended' = 'open';
  #error: unknown;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#take);
    socket.on('end', this.#end);
    socket.on('close', this.#end);
    socket.on('error', this.#fail);
  }

  /**
   * The next line, without its newline; the rest at the end of the connection counts as a line. Undefined after that.
   */
  async line(signal: AbortSignal): Promise<string | undefined> {
    for (;;) {
      const at = this.#waiting.indexOf(10);
      if (at !== -1) return this.#cut(at, 1).replace(/\r$/, '');
      if (this.#waiting.length > MAX_LINE_BYTES)
        throw new ProbeFailure('read', `a line of more than ${MAX_LINE_BYTES} bytes`);
      if (this.#state === 'ended') return this.#waiting.length > 0 ? this.#cut(this.#waiting.length, 0) : this.#ended();
      await this.#more(signal);
    }
  }

  /** The next `count` bytes; fewer when the connection ends before. */
  async bytes(count: number, signal: AbortSignal): Promise<Buffer> {
    while (this.#waiting.length < count && this.#state === 'open') await this.#more(signal);
    if (this.#waiting.length < count) this.#ended();
    const taken = this.#waiting.subarray(0, count);
    this.#waiting = this.#waiting.subarray(taken.length);
    return taken;
  }

  /** Releases the socket to another owner. */
  release(): void {
    this.#socket.off('data', this.#take).off('end', this.#end).off('close', this.#end).off('error', this.#fail);
    this.#socket.pause();
  }

  #ended(): undefined {
    if (this.#error !== undefined) throw this.#error;
    return undefined;
  }

  #cut(length: number, more: number): string {
    const text = this.#waiting.toString('utf8', 0, length);
    this.#waiting = this.#waiting.subarray(length + more);
    return text;
  }

  #more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason);
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      this.#wake = () => {
        signal.removeEventListener('abort', abort);
        this.#wake = undefined;
        if (this.#total > MAX_BYTES) {
          reject(new ProbeFailure('read', `the first ${MAX_BYTES} bytes received do not contain the expected text`));
        } else resolve();
      };
    });
  }

  readonly #take = (chunk: Buffer): void => {
    this.#total += chunk.length;
    // Data beyond the limit is not read.
    if (this.#total > MAX_BYTES) this.#socket.pause();
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    this.#wake?.();
  };

  readonly #end = (): void => {
    this.#state = 'ended';
    this.#wake?.();
  };

  readonly #fail = (cause: unknown): void => {
    this.#error ??= cause;
    this.#end();
  };
}
