// A minimal D-Bus client, sufficient for reading properties: https://dbus.freedesktop.org/doc/dbus-specification.html
import { createConnection, type Socket } from 'node:net';
import { errorText } from '../base/error-text.ts';
import { type DbusCall, type DbusMessage, decodeMessage, encodeCall, messageLength } from './dbus-message.ts';
import type { DbusValue } from './dbus-reader.ts';
import { fileError } from './errors.ts';

/**
 * An error returned by the called service; `name` is the D-Bus error name, such as
 * `org.freedesktop.DBus.Error.NoReply`.
 */
export class DbusError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

interface Pending {
  readonly resolve: (body: readonly DbusValue[]) => void;
  readonly reject: (error: Error) => void;
}

/** dbus-daemon allows 128 pending calls per connection (max_replies_per_connection) and rejects the rest. */
const MAX_OPEN_CALLS = 64;
const MAX_AUTH_LINE = 1024;

/** One connection to a message bus, or to a service that listens on its own socket. */
export class DbusConnection {
  readonly #socket: Socket;
  readonly #path: string;
  /** Bytes of an incomplete message. */
  #received: Buffer[] = [];
  #receivedLength = 0;
  #wanted = 0;
  #serial = 0;
  readonly #open = new Map<number, Pending>();
  readonly #waiting: (() => void)[] = [];
  #failure: Error | undefined;

  private constructor(socket: Socket, path: string) {
    this.#socket = socket;
    this.#path = path;
  }

  /**
   * Connects to the socket at `path` as this process's user; `greet` for a bus, which requires a Hello first. The
   * connection fails when `signal` fires. Throws MissingFile, DeniedFile or another Error.
   */
  static async connect(path: string, greet: boolean, signal: AbortSignal): Promise<DbusConnection> {
    signal.throwIfAborted();
    const socket = createConnection({ path });
    const connection = new DbusConnection(socket, path);
    const abort = () => connection.#fail(new Error(`${path}: timed out waiting for a reply`));
    signal.addEventListener('abort', abort, { once: true });
    socket.on('close', () => {
      signal.removeEventListener('abort', abort);
      connection.#fail(new Error(`${path}: connection closed by peer`));
    });
    socket.on('error', (cause) => connection.#fail(fileError(path, cause)));
    try {
      await connection.#authenticate();
      socket.on('data', (chunk: Buffer) => connection.#receive(chunk));
      if (greet) await connection.call(HELLO);
      return connection;
    } catch (cause) {
      connection.close();
      throw cause;
    }
  }

  /** Calls a method; returns its values. Throws DbusError, or an Error if the connection fails. */
  async call(call: DbusCall): Promise<readonly DbusValue[]> {
    while (this.#open.size >= MAX_OPEN_CALLS && !this.#failure) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#failure) throw this.#failure;
    const serial = ++this.#serial;
    return new Promise((resolve, reject) => {
      this.#open.set(serial, { resolve, reject });
      this.#socket.write(encodeCall(serial, call));
    });
  }

  close(): void {
    this.#fail(new Error(`${this.#path}: closed`));
  }

  /** SASL EXTERNAL: the kernel reports our user to the peer; we only claim it. */
  #authenticate(): Promise<void> {
    const user = Buffer.from(String(process.getuid?.() ?? 0)).toString('hex');
    this.#socket.write(`\0AUTH EXTERNAL ${user}\r\n`);
    return new Promise((resolve, reject) => {
      let answer = '';
      const onData = (chunk: Buffer) => {
        answer += chunk.toString('latin1');
        if (!answer.includes('\r\n') && answer.length < MAX_AUTH_LINE) return;
        this.#socket.off('data', onData).off('close', onClose);
        if (!answer.startsWith('OK ')) {
          reject(
            new Error(
              `${this.#path}: authentication rejected for user ${process.getuid?.()}: ${answer.trim().slice(0, 100)}`,
            ),
          );
          return;
        }
        this.#socket.write('BEGIN\r\n');
        resolve();
      };
      const onClose = () => reject(this.#failure ?? new Error(`${this.#path}: connection closed by peer`));
      this.#socket.on('data', onData).on('close', onClose);
    });
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#receivedLength += chunk.length;
    if (this.#receivedLength < this.#wanted) return;
    let bytes = Buffer.concat(this.#received);
    try {
      for (;;) {
        const length = messageLength(bytes);
        this.#wanted = length ?? 0;
        if (length === undefined || bytes.length < length) break;
        this.#dispatch(decodeMessage(bytes.subarray(0, length)));
        bytes = bytes.subarray(length);
      }
    } catch (cause) {
      const message = errorText(cause);
      this.#fail(new Error(`${this.#path}: malformed D-Bus message: ${message}`, { cause }));
    }
    this.#received = [bytes];
    this.#receivedLength = bytes.length;
  }

  #dispatch({ kind, replySerial, errorName, body }: DbusMessage): void {
    if (replySerial === undefined || (kind !== 'return' && kind !== 'error')) return;
    const pending = this.#open.get(replySerial);
    this.#open.delete(replySerial);
    this.#waiting.shift()?.();
    if (kind === 'return') pending?.resolve(body);
    else pending?.reject(new DbusError(errorName ?? 'unnamed error', String(body[0] ?? errorName)));
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#socket.destroy();
    for (const { reject } of this.#open.values()) reject(error);
    this.#open.clear();
    for (const resume of this.#waiting.splice(0)) resume();
  }
}

const HELLO: DbusCall = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
  member: 'Hello',
  args: [],
};
