// The few system calls without a Node function, through node:ffi (experimental; Node 26). Only this file and
// metrics/zstd-contexts.ts use it: where it is absent or disabled, every function here throws Unsupported and everything
// else works.

import type { FunctionDefinitions } from 'node:ffi';
import { closeSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { errorText } from '../base/error-text.ts';
import { Unsupported } from './errors.ts';
import { putU32, putU64, u32, u64 } from './native.ts';

/** The libc functions called here; 64-bit integers travel as BigInt. */
const DEFINITIONS = {
  __errno_location: { arguments: [], return: 'pointer' },
  adjtimex: { arguments: ['buffer'], return: 'int32' },
  bind: { arguments: ['int32', 'buffer', 'uint32'], return: 'int32' },
  ioctl: { arguments: ['int32', 'uint64', 'buffer'], return: 'int32' },
  // A pointer to struct sigaction is passed as a buffer; NULL as an empty one.
  sigaction: { arguments: ['int32', 'pointer', 'pointer'], return: 'int32' },
  alarm: { arguments: ['uint32'], return: 'uint32' },
  setitimer: { arguments: ['int32', 'buffer', 'pointer'], return: 'int32' },
  madvise: { arguments: ['uint64', 'uint64', 'int32'], return: 'int32' },
  recv: { arguments: ['int32', 'buffer', 'uint64', 'int32'], return: 'int64' },
  send: { arguments: ['int32', 'buffer', 'uint64', 'int32'], return: 'int64' },
  setsockopt: { arguments: ['int32', 'int32', 'int32', 'buffer', 'uint32'], return: 'int32' },
  socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
  waitpid: { arguments: ['int32', 'pointer', 'int32'], return: 'int32' },
} as const;

/** A system call failed. */
export class SyscallError extends Error {
  override readonly name = 'SyscallError';
  /** The errno name, such as `EPERM`. */
  readonly code: string;

  constructor(call: string, errno: number) {
    const code = getSystemErrorName(-errno);
    super(`${call}: ${code}`);
    this.code = code;
  }
}

type Libc = ReturnType<typeof load>;
let libc: Libc | undefined;

/** The library, loaded at the first call. Throws Unsupported. */
function calls(): Libc {
  libc ??= load();
  return libc;
}

/** Functions of this process's own libc. Throws Unsupported. */
function openLibc<const Definitions extends FunctionDefinitions>(definitions: Definitions) {
  // Unlike an import this does not throw where the module does not exist.
  const ffi = process.getBuiltinModule('node:ffi');
  if (!ffi) throw new Unsupported('requires node:ffi, which this Node.js build lacks or has disabled');
  try {
    // null is the process itself: its libc, whether glibc or musl, under whatever file name.
    return { ffi, ...ffi.dlopen(null, definitions) };
  } catch (cause) {
    throw new Unsupported(`node:ffi cannot load libc: ${errorText(cause)}`, { cause });
  }
}

function load() {
  const { ffi, lib, functions } = openLibc(DEFINITIONS);
  const errnoAt = functions.__errno_location();
  return {
    ...functions,
    errno: () => ffi.getInt32(errnoAt),
    addressOfFunction: (name: string) => lib.getSymbol(name),
    addressOf: (bytes: Buffer) => ffi.getRawPointer(bytes),
    viewOf: (address: bigint, length: number) => ffi.toBuffer(address, length, false),
  };
}

/**
 * Further libc functions, for optional parts of the program; `check` the result of a call immediately. Throws
 * Unsupported.
 */
export function libcFunctions<const Definitions extends FunctionDefinitions>(definitions: Definitions) {
  const { addressOf, viewOf } = calls();
  return { ...openLibc(definitions).functions, addressOf, viewOf, check };
}

/** The address of a function of this process, for calls that take one. Throws Unsupported. */
export const addressOfFunction = (name: string): bigint => calls().addressOfFunction(name);

/** Throws SyscallError when a call returned -1; must run right after it, before another call sets errno. */
function check(call: string, result: number | bigint): void {
  if (result === -1 || result === -1n) failed(call);
}

/** Throws the error of a call that returned -1; must run right after it, before another call sets errno. */
function failed(call: string): never {
  throw new SyscallError(call, calls().errno());
}

/** Reads the kernel's clock state into `timex`, a struct timex with modes 0. Returns TIME_OK … TIME_ERROR. */
export function adjtimex(timex: Buffer): number {
  const state = calls().adjtimex(timex);
  return state === -1 ? failed('adjtimex') : state;
}

/**
 * Drops the resident pages of a part of this process's address space; they are read from their file again on demand.
 * Only for mappings of files that hold no written page: those would be lost.
 */
export function discardPages({ start, length }: { readonly start: bigint; readonly length: bigint }): void {
  const MADV_DONTNEED = 4;
  if (calls().madvise(start, length, MADV_DONTNEED) === -1) failed('madvise');
}

/** Upper bound of the size of struct sigaction; in all C libraries on Linux the handler comes first. */
const SIGACTION_BYTES = 256;
const ITIMER_VIRTUAL = 1;

/**
 * From now on the second of these signals ends the process, whatever it is doing: the first is handled as before. Not for
 * the first process of a PID namespace.
 */
export function handleOnce(signal: number): void {
  const SA_RESETHAND = 0x80000000;
  const action = Buffer.alloc(SIGACTION_BYTES);
  const address = calls().addressOf(action);
  if (calls().sigaction(signal, 0n, address) === -1) failed('sigaction');
  const flagsAt = SIGACTION_FLAGS_AT;
  putU32(action, flagsAt, (u32(action, flagsAt) | SA_RESETHAND) >>> 0);
  if (calls().sigaction(signal, address, 0n) === -1) failed('sigaction');
}

/** After the handler and a mask of 128 bytes, in glibc and musl. */
const SIGACTION_FLAGS_AT = 136;

/** Signals not used by anything else here. */
export const SIGALRM = 14;
export const SIGVTALRM = 26;

/**
 * Makes a function of the C library handle a signal, with its number as argument: `_exit` ends the process immediately
 * with that as its exit code, `alarm` sends SIGALRM after that many seconds. Then the interrupted code continues.
 */
export function handleNatively(signal: number, name: '_exit' | 'alarm'): void {
  const SA_RESTART = 0x10000000;
  const action = Buffer.alloc(SIGACTION_BYTES);
  putU64(action, 0, addressOfFunction(name));
  putU32(action, SIGACTION_FLAGS_AT, SA_RESTART);
  if (calls().sigaction(signal, calls().addressOf(action), 0n) === -1) failed('sigaction');
}

/** Sends SIGALRM after that many seconds, replacing any earlier setting; 0 cancels it. */
export const alarm = (seconds: number): void => void calls().alarm(seconds);

/** Sends SIGVTALRM once this process has used that many more seconds of user CPU time; setting it again restarts it. */
export function virtualAlarm(seconds: number): void {
  const timer = Buffer.alloc(32);
  putU64(timer, 16, BigInt(seconds));
  if (calls().setitimer(ITIMER_VIRTUAL, timer, 0n) === -1) failed('setitimer');
}

/** Loaded separately: an old C library has these in a separate library. */
const TIMER_DEFINITIONS = {
  timer_create: { arguments: ['int32', 'buffer', 'buffer'], return: 'int32' },
  timer_settime: { arguments: ['uint64', 'int32', 'buffer', 'pointer'], return: 'int32' },
} as const;

/**
 * timer_create(2). `monotonic` keeps running while this process is stopped, `cpu` counts the CPU time of all its
 * threads.
 */
const CLOCKS = { monotonic: 1, cpu: 2 };

/**
 * When a {@link Countdown} expires: a signal for this process, or a text on standard error, by a thread of the C
 * library.
 */
type AtZero = { readonly signal: number } | { readonly text: Buffer };

/** A native timer that runs whatever this process is doing. */
export class Countdown {
  readonly #timers: ReturnType<typeof loadTimers>;
  readonly #id: bigint;
  /** Must not be garbage collected: the C library holds its address. */
  readonly #atZero: AtZero;

  /** Not yet running. `text` ends with a NUL and is a format of printf. Throws Unsupported or SyscallError. */
  constructor(clock: keyof typeof CLOCKS, atZero: AtZero) {
    const SIGEV_SIGNAL = 0;
    const SIGEV_THREAD = 2;
    this.#timers = loadTimers();
    this.#atZero = atZero;
    const event = Buffer.alloc(64);
    if ('signal' in this.#atZero) {
      putU32(event, 8, this.#atZero.signal);
      putU32(event, 12, SIGEV_SIGNAL);
    } else {
      putU64(event, 0, calls().addressOf(this.#atZero.text));
      putU32(event, 12, SIGEV_THREAD);
      putU64(event, 16, addressOfFunction('warnx'));
    }
    const id = Buffer.alloc(8);
    if (this.#timers.timer_create(CLOCKS[clock], event, id) === -1) failed('timer_create');
    this.#id = u64(id, 0);
  }

  /** Starts again. */
  set(seconds: number): void {
    const time = Buffer.alloc(32);
    putU64(time, 16, BigInt(seconds));
    if (this.#timers.timer_settime(this.#id, 0, time, 0n) === -1) failed('timer_settime');
  }
}

function loadTimers() {
  const ffi = process.getBuiltinModule('node:ffi');
  if (!ffi) throw new Unsupported('requires node:ffi, which this Node.js build lacks or has disabled');
  try {
    return ffi.dlopen(null, TIMER_DEFINITIONS).functions;
  } catch (cause) {
    throw new Unsupported(`node:ffi cannot load the timer functions: ${errorText(cause)}`, { cause });
  }
}

const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SOCK_CLOEXEC = 0o2000000;
/** The kernel responds immediately; this only prevents a lost response from blocking the agent. */
const RECEIVE_TIMEOUT_SECONDS = 2n;

/** A raw socket, for `using`: closed at the end of the block. */
export class RawSocket {
  readonly fd: number;

  /** Opens a socket whose reads end after two seconds. Throws Unsupported or SyscallError. */
  constructor(domain: number, type: number, protocol: number) {
    this.fd = calls().socket(domain, type | SOCK_CLOEXEC, protocol);
    if (this.fd === -1) failed('socket');
    const timeval = Buffer.alloc(16);
    putU64(timeval, 0, RECEIVE_TIMEOUT_SECONDS);
    if (calls().setsockopt(this.fd, SOL_SOCKET, SO_RCVTIMEO, timeval, timeval.length) === -1) {
      const error = new SyscallError('setsockopt', calls().errno());
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Binds to `address`, a struct sockaddr. */
  bind(address: Buffer): void {
    if (calls().bind(this.fd, address, address.length) === -1) failed('bind');
  }

  /** Sends one datagram. */
  send(datagram: Buffer): void {
    if (calls().send(this.fd, datagram, BigInt(datagram.length), 0) === -1n) failed('send');
  }

  /** Receives one datagram into `buffer` and returns that part of it. Throws for one that does not fit. */
  receive(buffer: Buffer): Buffer {
    const MSG_TRUNC = 0x20; // makes recv return the datagram's whole length
    const length = Number(calls().recv(this.fd, buffer, BigInt(buffer.length), MSG_TRUNC));
    if (length === -1) failed('recv');
    if (length > buffer.length)
      throw new Error(`recv: a datagram of ${length} bytes exceeds the buffer of ${buffer.length}`);
    return buffer.subarray(0, length);
  }

  /**
   * ioctl(2) on a network device, netdevice(7): `data` is the target of the pointer in struct ifreq. The kernel writes
   * an arbitrary amount there, so it must be large enough for any response.
   */
  deviceIoctl(request: number, device: string, data: Buffer): void {
    const IFNAMSIZ = 16;
    const ifreq = Buffer.alloc(40);
    ifreq.write(device, 0, IFNAMSIZ - 1);
    putU64(ifreq, IFNAMSIZ, calls().addressOf(data));
    if (calls().ioctl(this.fd, BigInt(request), ifreq) === -1) failed('ioctl');
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

/** Flag of waitpid(2): return immediately. */
const WNOHANG = 1;

/**
 * Reaps the exited children of a process group, so that they do not remain zombies: those that PID 1 inherits. Returns
 * whether the group still has processes. Never use it for the group of a child whose exit Node has not seen yet.
 */
export function reapGroup(group: number): boolean {
  for (;;) {
    const ended = calls().waitpid(-group, 0n, WNOHANG);
    if (ended === 0) return true;
    if (ended < 0) return false;
  }
}
