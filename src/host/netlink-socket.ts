import { fstatSync } from 'node:fs';
import { Unsupported, WrongNamespace } from './errors.ts';
import type { Host } from './host.ts';
import { putU16 } from './native.ts';
import { netPath } from './net-files.ts';
import { dumpRequest, eachMessage } from './netlink.ts';
import { RawSocket, SyscallError } from './syscalls.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
/** The kernel fills at most 32 KiB per read. */
const BUFFER_BYTES = 64 * 1024;
/** A dump that is larger, half a million routes, would block the event loop for too long. */
const MAX_DUMP_BYTES = 64 * 1024 * 1024;

/** A dump request. */
export interface DumpKind {
  /** The netlink family, NETLINK_*. */
  readonly family: number;
  /** The message type of the request. */
  readonly type: number;
  /** The family's own header of the request. */
  readonly header: Buffer;
}

/**
 * Dumps of the kernel's network objects in the host's network namespace. Netlink reports the namespace of the calling
 * process; if that is not the host's (a pod without hostNetwork, a recorded tree), it is not used.
 */
export class Netlink {
  readonly #host: Host;
  /**
   * A positive result is final, since neither this process nor the host changes its namespace; a negative one may be
   * due to a lack of file descriptors.
   */
  #checked: boolean;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);

  constructor(host: Host) {
    this.#host = host;
    this.#checked = false;
  }

  /** Whether dumps describe the host. */
  get usable(): boolean {
    try {
      this.#check();
      return true;
    } catch (cause) {
      if (cause instanceof Unsupported || cause instanceof WrongNamespace) return false;
      throw cause;
    }
  }

  /**
   * Requests all objects of a kind and calls `take` with the payload of each; payloads are only valid during that call.
   * Throws Unsupported if netlink is unavailable, WrongNamespace if it would query another network namespace,
   * SyscallError and NetlinkError if the kernel rejects the request.
   */
  dump({ family, type, header }: DumpKind, take: (payload: Buffer) => void): void {
    this.#check();
    using socket = new RawSocket(AF_NETLINK, SOCK_RAW, family);
    socket.send(dumpRequest(type, header));
    let total = 0;
    for (let done = false; !done; ) {
      const datagram = socket.receive(this.#buffer);
      total += datagram.length;
      if (total > MAX_DUMP_BYTES) throw new Error(`the response exceeds ${MAX_DUMP_BYTES} bytes`);
      done = eachMessage(datagram, take);
    }
  }

  #check(): void {
    if (this.#checked) return;
    checkNamespace(this.#host);
    this.#checked = true;
  }
}

/** Whether this process is in the host's network namespace; also false if that cannot be determined. */
export const sharesNetwork = (host: Host): boolean => new Netlink(host).usable;

/**
 * Throws Unsupported or WrongNamespace if netlink cannot report the host. Comparing `/proc/<pid>/ns/net` would need
 * ptrace rights, so a socket of ours is looked for in the host's list of netlink sockets, by its inode, which is
 * unique.
 */
function checkNamespace(host: Host): void {
  const address = Buffer.alloc(12);
  putU16(address, 0, AF_NETLINK);
  const path = netPath(host, 'netlink');
  try {
    using socket = new RawSocket(AF_NETLINK, SOCK_RAW, 0);
    socket.bind(address); // only bound sockets are listed
    const end = ` ${fstatSync(socket.fd).ino}`;
    const list = host.readIfExists(path);
    if (list === undefined)
      throw new Unsupported(`cannot verify the network namespace of netlink: ${path} does not exist`);
    if (list.split('\n').some((line) => line.trimEnd().endsWith(end))) return;
  } catch (cause) {
    if (cause instanceof SyscallError) throw new Unsupported(`netlink unavailable: ${cause.message}`, { cause });
    throw cause;
  }
  throw new WrongNamespace(`netlink runs in a different network namespace than ${path}; set node.hostNetwork`);
}
