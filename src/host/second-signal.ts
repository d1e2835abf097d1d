import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Unsupported } from './errors.ts';
import { putU32, putU64 } from './native.ts';
import { addressOfFunction, libcFunctions } from './syscalls.ts';

/** libuv's functions are those that Node exports to native modules. */
const DEFINITIONS = {
  aio_read: { arguments: ['buffer'], return: 'int32' },
  calloc: { arguments: ['uint64', 'uint64'], return: 'pointer' },
  fcntl: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
  uv_handle_size: { arguments: ['int32'], return: 'uint64' },
  uv_loop_init: { arguments: ['buffer'], return: 'int32' },
  uv_loop_size: { arguments: [], return: 'uint64' },
  uv_signal_init: { arguments: ['buffer', 'buffer'], return: 'int32' },
  uv_signal_start: { arguments: ['buffer', 'uint64', 'int32'], return: 'int32' },
} as const;

/** uv_handle_type. */
const UV_SIGNAL = 16;
/** What libuv's signal handler writes to the pipe of each loop that watches the signal: a pointer and a number. */
const MESSAGE_BYTES = 16;
/** Upper bound of the size of struct aiocb. */
const AIOCB_BYTES = 256;

/**
 * Ends this process with `exitCode` at the second of these signals, whatever it is doing; the first is handled as
 * before. For the first process of a PID namespace, for which the kernel ignores signals without a handler. A second
 * event loop, which never runs, has a pipe that libuv's signal handler writes to; a thread of the C library reads it.
 * Throws Unsupported or SyscallError.
 */
export function endAtSecond(signals: readonly number[], exitCode: number): void {
  const libc = libcFunctions(DEFINITIONS);
  // Native code uses it until the process ends; V8 frees its own buffers before that.
  const lastingMemory = (length: number) => libc.viewOf(libc.calloc(1n, BigInt(length)), length);
  const loop = lastingMemory(Number(libc.uv_loop_size()));
  const handles = signals.map(() => lastingMemory(Number(libc.uv_handle_size(UV_SIGNAL))));
  const exit = addressOfFunction('_exit');
  const before = pipes();
  let failed = libc.uv_loop_init(loop);
  for (const handle of handles) failed ||= libc.uv_signal_init(loop, handle);
  const fd = readEnd(before, pipes());
  // The callback is only called by a loop that runs.
  for (const [index, handle] of handles.entries()) failed ||= libc.uv_signal_start(handle, exit, signals[index] ?? 0);
  if (failed) throw new Unsupported(`libuv cannot watch signals natively: ${failed}`);
  const F_SETFL = 4;
  libc.check('fcntl', libc.fcntl(fd, F_SETFL, 0)); // reads wait
  // Reads of one file are sequential, and each reads one message.
  for (const atEnd of [undefined, exit]) {
    const request = lastingMemory(AIOCB_BYTES);
    const message = lastingMemory(MESSAGE_BYTES);
    putU32(request, 0, fd);
    putU64(request, 16, libc.addressOf(message));
    putU64(request, 24, BigInt(message.length));
    putSigevent(request, 32, atEnd, exitCode);
    libc.check('aio_read', libc.aio_read(request));
  }
}

/** A struct sigevent: a thread calls the function at `address` with `argument`, or nothing happens. */
function putSigevent(bytes: Buffer, offset: number, address: bigint | undefined, argument: number): void {
  const SIGEV_NONE = 1;
  const SIGEV_THREAD = 2;
  putU64(bytes, offset, BigInt(argument));
  putU32(bytes, offset + 12, address === undefined ? SIGEV_NONE : SIGEV_THREAD);
  putU64(bytes, offset + 16, address ?? 0n);
}

/** The pipes of this process by file descriptor. */
function pipes(): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const fd of readdirSync('/proc/self/fd')) {
    const target = linkOf(`/proc/self/fd/${fd}`);
    if (target.startsWith('pipe:')) found.set(Number(fd), target);
  }
  return found;
}

/** Empty for the descriptor opened by readdir itself. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** The read end of the new pipe. Throws Unsupported. */
function readEnd(before: ReadonlyMap<number, string>, after: ReadonlyMap<number, string>): number {
  const fresh = [...after].filter(([fd, pipe]) => before.get(fd) !== pipe);
  const [fd] = fresh.map(([fd]) => fd).filter(isReadOnly);
  const isOne = fresh.length === 2 && fresh[0]?.[1] === fresh[1]?.[1];
  if (!isOne || fd === undefined) throw new Unsupported('the signal pipe of libuv cannot be found');
  return fd;
}

/** See proc_pid_fdinfo(5): the access mode is the last octal digit. */
const isReadOnly = (fd: number): boolean =>
  /^flags:\s+\d*[04]$/m.test(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'));
