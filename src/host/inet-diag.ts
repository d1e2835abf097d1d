// TCP sockets over NETLINK_SOCK_DIAG: sock_diag(7), include/uapi/linux/inet_diag.h. Pure.
import { putU32, u32 } from './native.ts';
import { NetlinkError } from './netlink.ts';
import type { DumpKind } from './netlink-socket.ts';

const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const IPPROTO_TCP = 6;
/** struct inet_diag_req_v2 and inet_diag_msg. */
const REQUEST_BYTES = 56;
const RESPONSE_BYTES = 72;
/** All states up to TCP_CLOSING; the kernel's internal TCP_NEW_SYN_RECV counts as TCP_SYN_RECV. */
const ALL_STATES = 0xfff;

/** All TCP sockets of an address family. */
export function tcpSockets(addressFamily: number): DumpKind {
  const header = Buffer.alloc(REQUEST_BYTES);
  header[0] = addressFamily;
  header[1] = IPPROTO_TCP;
  putU32(header, 4, ALL_STATES);
  return { family: NETLINK_SOCK_DIAG, type: SOCK_DIAG_BY_FAMILY, header };
}

/** State and queues of a TCP socket. */
interface TcpSocket {
  /** TCP_ESTABLISHED (1) … TCP_CLOSING (11), include/net/tcp_states.h. */
  readonly state: number;
  /** Bytes; for a listening socket connections that wait to be accepted, and how many may. */
  readonly receiveQueue: number;
  readonly sendQueue: number;
}

/** Decodes a response: struct inet_diag_msg. */
export function decodeTcpSocket(payload: Buffer): TcpSocket {
  if (payload.length < RESPONSE_BYTES) throw new NetlinkError(`a socket of ${payload.length} bytes`);
  return { state: payload[1] ?? 0, receiveQueue: u32(payload, 56), sendQueue: u32(payload, 60) };
}
