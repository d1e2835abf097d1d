import { closeSync } from 'node:fs';
import { putU16, putU32, putU64, s32, s64, u32 } from './native.ts';
import { libcFunctions, SyscallError } from './syscalls.ts';

/** The libc functions for kinds of sockets that Node lacks. */
const DEFINITIONS = {
  clock_gettime: { arguments: ['int32', 'buffer'], return: 'int32' },
  recvmsg: { arguments: ['int32', 'buffer', 'int32'], return: 'int64' },
  sendto: { arguments: ['int32', 'buffer', 'uint64', 'int32', 'buffer', 'uint32'], return: 'int64' },
  setsockopt: { arguments: ['int32', 'int32', 'int32', 'buffer', 'uint32'], return: 'int32' },
  socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
} as const;

const load = () => libcFunctions(DEFINITIONS);
let loaded: ReturnType<typeof load> | undefined;

function libc(): ReturnType<typeof load> {
  loaded ??= load();
  return loaded;
}

const SOL_SOCKET = 1;
const SO_TIMESTAMPNS = 35;
const SO_RCVBUF = 8;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_ERRQUEUE = 0x2000;
const CLOCK_REALTIME = 0;
/** Echoes of all targets of a task may arrive at the same time. */
const RECEIVE_BUFFER_BYTES = 256 * 1024;

/** Numbers of one address family: socket options and the types of control messages that they produce. */
const FAMILIES = {
  4: { domain: 2, protocol: 1, level: 0, ttl: 2, receiveTtl: 12, ttlMessage: 2, errors: 11, discover: 10, tos: 1 },
  6: {
    domain: 10,
    protocol: 58,
    level: 41,
    ttl: 16,
    receiveTtl: 51,
    ttlMessage: 52,
    errors: 25,
    discover: 23,
    tos: 67,
  },
} as const;

/** A received message. */
export interface IcmpReply {
  /** The ICMP message, without an IP header. Only good until the next call. */
  readonly message: Buffer;
  /** Kernel's wall clock at arrival, seconds. */
  readonly atSeconds: number;
  /** Remaining hops; absent if the kernel does not report them. */
  readonly hopLimit?: number;
  /** errno of an ICMP error about the echo that is in `message`. */
  readonly errno?: number;
}

/** Options of one echo. */
export interface IcmpOptions {
  readonly ttl: number;
  readonly tos: number;
  readonly dontFragment: boolean;
}

/**
 * A socket for ICMP echoes: the unprivileged kind that `net.ipv4.ping_group_range` allows, otherwise a raw one, which
 * requires CAP_NET_RAW. It never blocks. Source: icmp(7), raw(7), net/ipv4/ping.c.
 */
export class IcmpSocket {
  readonly family: 4 | 6;
  /** Whether it sees all ICMP messages of the machine, and ids are chosen by the sender. */
  readonly isRaw: boolean;
  readonly #fd: number;
  readonly #header = Buffer.alloc(56);
  readonly #data = Buffer.allocUnsafeSlow(66_000);
  readonly #control = Buffer.allocUnsafeSlow(512);
  readonly #vector = Buffer.alloc(16);
  #options: IcmpOptions | undefined;
  #coldCalls = 50;

  /** Throws SyscallError (EACCES, EPERM) without permission for either kind, Unsupported without node:ffi. */
  constructor(family: 4 | 6) {
    this.family = family;
    const { domain, protocol } = FAMILIES[family];
    let fd = libc().socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, protocol);
    this.isRaw = fd === -1;
    if (fd === -1) {
      fd = libc().socket(domain, SOCK_RAW | SOCK_CLOEXEC, protocol);
      libc().check('socket', fd);
    }
    this.#fd = fd;
    try {
      this.#prepare();
    } catch (cause) {
      this.close();
      throw cause;
    }
  }

  #prepare(): void {
    const { level, receiveTtl, errors } = FAMILIES[this.family];
    this.#set(SOL_SOCKET, SO_TIMESTAMPNS, 1);
    this.#set(SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
    this.#set(level, receiveTtl, 1);
    this.#set(level, errors, 1);
    const { addressOf } = libc();
    putU64(this.#vector, 0, addressOf(this.#data));
    putU64(this.#vector, 8, BigInt(this.#data.length));
    putU64(this.#header, 16, addressOf(this.#vector));
    putU64(this.#header, 24, 1n);
    putU64(this.#header, 32, addressOf(this.#control));
  }

  /**
   * Sends one ICMP message. Returns the wall clock right before, seconds. Throws SyscallError, for example without a
   * route.
   */
  send(message: Buffer, to: Uint8Array, scope: number, options: IcmpOptions): number {
    this.#apply(options);
    const address = Buffer.alloc(this.family === 4 ? 16 : 28);
    putU16(address, 0, FAMILIES[this.family].domain);
    address.set(to, this.family === 4 ? 4 : 8);
    if (this.family === 6) putU32(address, 24, scope);
    const { sendto, check } = libc();
    // The first calls of a function are slow.
    for (; this.#coldCalls > 0; this.#coldCalls--) wallClock();
    const at = wallClock();
    check('sendto', sendto(this.#fd, message, BigInt(message.length), MSG_DONTWAIT, address, address.length));
    return at;
  }

  /** The next received message or error; undefined if there is none. */
  receive(): IcmpReply | undefined {
    return this.#receive(0) ?? this.#receive(MSG_ERRQUEUE);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #receive(flag: number): IcmpReply | undefined {
    const { recvmsg, check } = libc();
    putU64(this.#header, 40, BigInt(this.#control.length));
    const length = Number(recvmsg(this.#fd, this.#header, flag | MSG_DONTWAIT));
    try {
      check('recvmsg', length);
    } catch (cause) {
      // Errors caused by ICMP messages; the message itself is in the error queue.
      if (cause instanceof SyscallError) return undefined;
      throw cause;
    }
    const found = this.#readControl();
    let message = this.#data.subarray(0, length);
    // A raw IPv4 socket delivers the IP header. Messages in the error queue begin with ICMP on both kinds.
    if (this.isRaw && this.family === 4 && flag === 0) message = message.subarray(((message[0] ?? 0) & 0xf) * 4);
    return { message, ...found };
  }

  /** Walks through the control messages: struct cmsghdr, aligned to 8. */
  #readControl(): Pick<IcmpReply, 'atSeconds' | 'hopLimit' | 'errno'> {
    const { level, ttlMessage, errors } = FAMILIES[this.family];
    const end = Number(s64(this.#header, 40));
    let atSeconds = Number.NaN;
    let hopLimit: number | undefined;
    let errno: number | undefined;
    for (let at = 0; at + 16 <= end; ) {
      const length = Number(s64(this.#control, at));
      if (length < 16) break;
      const [of, kind] = [s32(this.#control, at + 8), s32(this.#control, at + 12)];
      const data = at + 16;
      if (of === SOL_SOCKET && kind === SO_TIMESTAMPNS) {
        atSeconds = Number(s64(this.#control, data)) + Number(s64(this.#control, data + 8)) / 1e9;
      } else if (of === level && kind === ttlMessage) hopLimit = s32(this.#control, data);
      else if (of === level && kind === errors) errno = u32(this.#control, data);
      at += (length + 7) & ~7;
    }
    return {
      atSeconds: Number.isNaN(atSeconds) ? wallClock() : atSeconds,
      ...(hopLimit !== undefined && { hopLimit }),
      ...(errno !== undefined && { errno }),
    };
  }

  #apply(options: IcmpOptions): void {
    const { level, ttl, tos, discover } = FAMILIES[this.family];
    if (options.ttl !== this.#options?.ttl) this.#set(level, ttl, options.ttl);
    if (options.tos !== this.#options?.tos) this.#set(level, tos, options.tos);
    // IP_PMTUDISC_DO or IP_PMTUDISC_DONT.
    if (options.dontFragment !== this.#options?.dontFragment) this.#set(level, discover, options.dontFragment ? 2 : 0);
    this.#options = options;
  }

  #set(level: number, option: number, value: number): void {
    const bytes = Buffer.alloc(4);
    putU32(bytes, 0, value);
    const { setsockopt, check } = libc();
    check(`setsockopt ${level}/${option}`, setsockopt(this.#fd, level, option, bytes, bytes.length));
  }
}

const time = Buffer.alloc(16);

/** CLOCK_REALTIME, seconds: the clock of the kernel's timestamps. */
function wallClock(): number {
  const { clock_gettime: read, check } = libc();
  check('clock_gettime', read(CLOCK_REALTIME, time));
  return Number(s64(time, 0)) + Number(s64(time, 8)) / 1e9;
}
