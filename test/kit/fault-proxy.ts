import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RequestHead, RequestReader } from './request-reader.ts';

/**
 * The fault of one upload. `at` is the number of bytes of its body that still reach the server.
 * - cut: the connection breaks in both directions, by FIN or RST towards the server, always by RST towards the client
 * - truncate: the server sees the end of the stream, the client gets the server's response to that
 * - loseAnswer: the server gets everything, the client only a broken connection
 * - duplicate: the server gets the whole request a second time, on another connection
 * - delay: the body begins late; throttle: it is slow; stall: nothing passes for this time, then the connection breaks
 */
export type Fault =
  | { readonly kind: 'cut'; readonly at: number; readonly how: 'fin' | 'rst' }
  | { readonly kind: 'truncate'; readonly at: number }
  | { readonly kind: 'loseAnswer' }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  | { readonly kind: 'stall'; readonly ms: number };

/** One upload as seen by the proxy. */
export interface Exchange {
  /** Path and query. */
  readonly path: string;
  /** Bytes of the body, as announced. */
  readonly bytes: number;
  readonly fault: Fault | undefined;
  /** Bytes of the body that were sent to the server. */
  passed: number;
  /** The status that the client got; undefined without a response. */
  status?: number;
  /** The body as the client sent it, if bodies are recorded. */
  readonly body: Buffer[];
}

/** A proxy in front of an HTTP/1.1 server that breaks uploads. */
export interface FaultProxy {
  readonly url: string;
  readonly port: number;
  /** All uploads, in the order in which they began. */
  readonly exchanges: readonly Exchange[];
  /** Chooses the fault of each upload when its head has arrived; none at first. */
  choose: (upload: RequestHead) => Fault | undefined;
  /** Called whenever a piece of a body is sent to the server. */
  onPassed: (exchange: Exchange) => void;
  /** Bytes in each direction, including heads. */
  readonly sent: { up: number; down: number };
  /** Refuses connections, and breaks the open ones, as if the server's process were gone. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

const PIECE_BYTES = 512;

/** Starts a proxy to `target`, a port of this machine; records all bodies on request. */
export async function startFaultProxy(target: number, keepBodies = false): Promise<FaultProxy> {
  const proxy = new FaultyProxy(target, keepBodies);
  await proxy.up();
  return proxy;
}

class FaultyProxy implements FaultProxy {
  port = 0;
  readonly exchanges: Exchange[] = [];
  readonly sent = { up: 0, down: 0 };
  choose: FaultProxy['choose'] = () => undefined;
  onPassed: FaultProxy['onPassed'] = () => {};
  readonly #target: number;
  readonly #keepBodies: boolean;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor(target: number, keepBodies: boolean) {
    this.#target = target;
    this.#keepBodies = keepBodies;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async up(): Promise<void> {
    if (this.#server) return;
    const server = createServer({ allowHalfOpen: true }, (near) => void this.#serve(near));
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async down(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.#sockets) reset(socket);
    await closed;
  }

  close(): Promise<void> {
    return this.down();
  }

  #track(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    return socket;
  }

  async #serve(near: Socket): Promise<void> {
    this.#track(near);
    if (this.#server === undefined) {
      reset(near);
      return;
    }
    const far = this.#track(connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true }));
    far.on('error', () => reset(near));
    far.on('close', () => near.end());
    near.on('close', () => far.destroy());
    let current: Upload | undefined;
    far.on('data', (answer: Buffer) => {
      this.sent.down += answer.length;
      if (current === undefined) return;
      if (current.exchange.fault?.kind === 'loseAnswer') {
        reset(near);
        return;
      }
      const status = /^HTTP\/1\.1 (\d{3})/.exec(answer.toString('latin1', 0, 12))?.[1];
      if (status !== undefined && current.isSent) current.exchange.status = Number(status);
      near.write(answer);
    });
    far.on('end', () => near.end());
    const reader = new RequestReader({
      begin: (head) => {
        current = this.#begin(head, near, far);
      },
      body: async (piece) => {
        if (this.#keepBodies) current?.exchange.body.push(Buffer.from(piece));
        await current?.pass(piece);
      },
      end: () => current?.end(),
    });
    try {
      for await (const chunk of near) await reader.read(chunk as Buffer);
      far.end();
    } catch {
      far.destroy();
    }
  }

  #begin(head: RequestHead, near: Socket, far: Socket): Upload {
    const fault = this.choose(head);
    const exchange: Exchange = { path: head.path, bytes: head.bytes, fault, passed: 0, body: [] };
    this.exchanges.push(exchange);
    return new Upload(exchange, head, near, far, {
      passed: (bytes) => {
        this.sent.up += bytes;
        this.onPassed(exchange);
      },
      again: (request) => {
        const second = this.#track(connect(this.#target, '127.0.0.1'));
        second.on('data', () => second.end());
        for (const piece of request) second.write(piece);
      },
    });
  }
}

interface UploadEvents {
  passed(bytes: number): void;
  again(request: readonly Buffer[]): void;
}

/**
 * Breaks a connection with RST. One that has just been ended cannot be reset: Node refuses that, never closes it, and
 * then spins forever at the end of the process.
 */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** One request in transit to the server. */
class Upload {
  readonly exchange: Exchange;
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #events: UploadEvents;
  /** Bytes of uploads that are duplicated. */
  readonly #kept: Buffer[] = [];
  #head: Buffer | undefined;
  #swallow: boolean = false;

  constructor(exchange: Exchange, head: RequestHead, near: Socket, far: Socket, events: UploadEvents) {
    this.exchange = exchange;
    this.#head = head.raw;
    this.#near = near;
    this.#far = far;
    this.#events = events;
  }

  /** Whether the server has received everything that it will get. */
  get isSent(): boolean {
    return this.#swallow || this.exchange.passed === this.exchange.bytes;
  }

  async pass(body: Buffer): Promise<void> {
    const { fault } = this.exchange;
    if (this.#head !== undefined) {
      if (fault?.kind === 'delay') await sleep(fault.ms);
      if (fault?.kind === 'stall') {
        await sleep(fault.ms);
        reset(this.#near);
        this.#swallow = true;
      }
      await this.#write(this.#head, 0);
      this.#head = undefined;
    }
    if (fault?.kind === 'throttle') {
      for (let start = 0; start < body.length; start += PIECE_BYTES) {
        const piece = body.subarray(start, start + PIECE_BYTES);
        await this.#write(piece, piece.length);
        await sleep((piece.length / fault.bytesPerSecond) * 1000);
      }
      return;
    }
    const left = fault && 'at' in fault ? fault.at - this.exchange.passed : Number.POSITIVE_INFINITY;
    await this.#write(body.subarray(0, left), Math.min(left, body.length));
    if (body.length >= left) this.#break();
  }

  end(): void {
    if (this.exchange.fault?.kind === 'duplicate') this.#events.again(this.#kept);
  }

  #break(): void {
    const { fault } = this.exchange;
    if (this.#swallow || fault === undefined) return;
    this.#swallow = true;
    if (fault.kind === 'cut' && fault.how === 'rst') reset(this.#far);
    else this.#far.end();
    if (fault.kind === 'cut') reset(this.#near);
  }

  async #write(piece: Buffer, ofBody: number): Promise<void> {
    if (this.#swallow) return;
    if (this.exchange.fault?.kind === 'duplicate') this.#kept.push(Buffer.from(piece));
    this.exchange.passed += ofBody;
    this.#events.passed(piece.length);
    if (this.#far.destroyed) return;
    if (!this.#far.write(piece)) await Promise.race([once(this.#far, 'drain'), once(this.#far, 'close')]);
  }
}
