import { networkInterfaces } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { doubledMs, type Pauses } from '../../base/backoff.ts';
import { monotonicMs, secondsSince } from '../../base/clock.ts';
import { Unsupported } from '../../host/errors.ts';
import { type IcmpOptions, type IcmpReply, IcmpSocket } from '../../host/icmp-socket.ts';
import { SyscallError } from '../../host/syscalls.ts';
import { type Address, addressBytes } from '../../net/literal-address.ts';
import { type EchoMark, echoReplyOf, echoRequest, echoRequestOf, newToken, TOKEN_BYTES } from './echo.ts';
import { ProbeImpossible } from './failure.ts';

/** A received reply. */
export interface EchoReply {
  /** Measured with the kernel's timestamps, independent of the load of this process. */
  readonly rttSeconds: number;
  readonly hopLimit?: number;
}

/** Options of one echo. */
interface EchoOptions extends IcmpOptions {
  readonly size: number;
  /** Called for each further reply to the same echo. */
  readonly onDuplicate: () => void;
}

interface Waiting {
  readonly mark: EchoMark;
  readonly size: number;
  readonly sentAtSeconds: number;
  readonly sentMs: number;
  readonly onDuplicate: () => void;
  isOver: boolean;
  settle(result: EchoReply | Error): void;
}

/** Between polls. */
const PAUSES: Pauses = { firstMs: 1, longestMs: 10 };
/** An unused socket is closed: its permission may have been revoked since. */
const IDLE_MS = 30_000;
/** Answered echoes remembered to detect duplicates. */
const MAX_REMEMBERED = 4096;
/** Maximum messages read in one turn; a flood must not hold up the event loop. */
const MAX_AT_ONCE = 256;

/**
 * Echoes of one address family, of all tasks of the process, over one socket, which is polled while any echo is
 * outstanding.
 */
class Pinger {
  readonly #family: 4 | 6;
  readonly #waiting = new Map<number, Waiting>();
  #socket: IcmpSocket | undefined;
  #id = Math.floor(Math.random() * 0x10000);
  #sequence = Math.floor(Math.random() * 0x10000);
  #outstanding = 0;
  /** Since the last echo was sent. */
  #polls = 0;
  #timer: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(family: 4 | 6) {
    this.#family = family;
  }

  /** Opens the socket unless it is open. Throws ProbeImpossible without permission. */
  open(): IcmpSocket {
    try {
      this.#socket ??= new IcmpSocket(this.#family);
      return this.#socket;
    } catch (cause) {
      if (cause instanceof SyscallError && /^E(?:ACCES|PERM)$/.test(cause.code)) throw forbidden(cause);
      if (cause instanceof Unsupported) throw new ProbeImpossible(cause.message, { cause });
      throw cause;
    }
  }

  /** Sends one echo and waits for its reply. Rejects with ProbeImpossible, SyscallError, or the reason of `signal`. */
  async ping(address: Address, options: EchoOptions, signal: AbortSignal): Promise<EchoReply> {
    const socket = this.open();
    clearTimeout(this.#idle);
    const mark = { id: this.#id, sequence: this.#nextSequence(), token: newToken() };
    const message = echoRequest(this.#family, mark, options.size);
    const sentMs = monotonicMs();
    const sentAtSeconds = sendTo(socket, message, address, options);
    return new Promise((resolve, reject) => {
      const abort = () => waiting.settle(signal.reason);
      const waiting: Waiting = {
        mark,
        size: options.size,
        sentAtSeconds,
        sentMs,
        onDuplicate: options.onDuplicate,
        isOver: false,
        settle: (result) => {
          if (waiting.isOver) return;
          waiting.isOver = true;
          this.#outstanding--;
          signal.removeEventListener('abort', abort);
          if (result instanceof Error) reject(result);
          else resolve(result);
        },
      };
      this.#waiting.delete(mark.sequence);
      this.#waiting.set(mark.sequence, waiting);
      if (this.#waiting.size > MAX_REMEMBERED) this.#forget();
      this.#outstanding++;
      this.#polls = 0;
      clearTimeout(this.#timer);
      this.#pollLater();
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    });
  }

  #nextSequence(): number {
    for (let tries = 0; tries < 0x10000; tries++) {
      this.#sequence = (this.#sequence + 1) & 0xffff;
      if (this.#waiting.get(this.#sequence)?.isOver !== false) break;
    }
    return this.#sequence;
  }

  /** Drops the oldest answered echo. */
  #forget(): void {
    for (const [sequence, { isOver }] of this.#waiting) {
      if (!isOver) continue;
      this.#waiting.delete(sequence);
      return;
    }
  }

  #pollLater(): void {
    this.#timer = setTimeout(this.#poll, doubledMs(++this.#polls, PAUSES));
  }

  readonly #poll = (): void => {
    for (let count = 0; count < MAX_AT_ONCE; count++) {
      const reply = this.#socket?.receive();
      if (reply === undefined) break;
      this.#take(reply);
    }
    if (this.#outstanding > 0) this.#pollLater();
    else this.#idle = setTimeout(this.#close, IDLE_MS).unref();
  };

  #take({ message, atSeconds, hopLimit, errno }: IcmpReply): void {
    const mark = errno === undefined ? echoReplyOf(this.#family, message) : echoRequestOf(this.#family, message);
    const waiting = mark && this.#waiting.get(mark.sequence);
    if (!waiting || !this.#isOurs(mark, waiting, errno !== undefined)) return;
    if (waiting.isOver) {
      if (errno === undefined) waiting.onDuplicate();
      return;
    }
    if (errno !== undefined) {
      const code = getSystemErrorName(-errno);
      waiting.settle(Object.assign(new Error(`received an ICMP error: ${code}`), { code }));
      return;
    }
    const elapsed = secondsSince(waiting.sentMs);
    const stamped = atSeconds - waiting.sentAtSeconds;
    // The wall clock may have been changed in between.
    const rttSeconds = stamped > 0 && stamped <= elapsed ? stamped : elapsed;
    waiting.settle({ rttSeconds, ...(hopLimit !== undefined && { hopLimit }) });
  }

  /** Raw sockets see the echoes of all processes. Errors are only guaranteed to quote the header. */
  #isOurs(mark: EchoMark, { mark: sent, size }: Waiting, isError: boolean): boolean {
    const own = sent.token.subarray(0, Math.min(size, TOKEN_BYTES));
    const isSame = mark.token.subarray(0, own.length).equals(own);
    if (isError) return isSame || mark.token.length < own.length;
    return isSame && (this.#socket?.isRaw !== true || mark.id === sent.id);
  }

  readonly #close = (): void => {
    if (this.#outstanding > 0) return;
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = undefined;
    this.#waiting.clear();
  };
}

/** An error caused by an earlier echo to another host is reported by the next call, which is then repeated. */
function sendTo(socket: IcmpSocket, message: Buffer, address: Address, options: IcmpOptions): number {
  const to = addressBytes(address);
  const scope = scopeOf(address);
  try {
    return socket.send(message, to, scope, options);
  } catch (cause) {
    if (!(cause instanceof SyscallError)) throw cause;
    return socket.send(message, to, scope, options);
  }
}

/** The interface index named by the zone of an address. */
function scopeOf({ address }: Address): number {
  const zone = /%(.+)$/.exec(address)?.[1];
  if (zone === undefined) return 0;
  const found = networkInterfaces()[zone]?.find(({ family }) => family === 'IPv6');
  return (found?.family === 'IPv6' ? found.scopeid : undefined) ?? (Number(zone) || 0);
}

function forbidden(cause: Error): ProbeImpossible {
  return new ProbeImpossible(
    'this process may not send pings: set the sysctl net.ipv4.ping_group_range to include its group ' +
      '(in a pod: securityContext.sysctls, "0 2147483647"), or grant CAP_NET_RAW to root',
    { cause },
  );
}

const pingers = { 4: new Pinger(4), 6: new Pinger(6) } as const;

/** The pinger of an address family. */
export const pingerOf = (family: 4 | 6): Pinger => pingers[family];
