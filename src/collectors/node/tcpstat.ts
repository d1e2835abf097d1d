// TCP sockets by state: sock_diag(7), or /proc/net/tcp and tcp6, proc_pid_net(5), where netlink would report a network
// namespace other than the host's. Present on every host.
import { MissingFile } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { decodeTcpSocket, tcpSockets } from '../../host/inet-diag.ts';
import { netPath } from '../../host/net-files.ts';
import { Netlink } from '../../host/netlink-socket.ts';
import { recordsOfFile } from '../../host/records.ts';
import { parseSocketLine } from '../../host/socket-files.ts';
import { gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const states = gauge(
  'node_tcp_connection_states',
  'Number of TCP sockets by state; rx_queued_bytes and tx_queued_bytes are the bytes in their queues.',
  ['state'],
);

/** By number, include/net/tcp_states.h. */
const NAMES = [
  'unknown',
  'established',
  'syn_sent',
  'syn_recv',
  'fin_wait1',
  'fin_wait2',
  'time_wait',
  'close',
  'close_wait',
  'last_ack',
  'listen',
  'closing',
];

const AF_INET = 2;
const AF_INET6 = 10;

/** TCP sockets by state. */
export const tcpstat = defineCollector({
  name: 'tcpstat',
  enabled: false,
  summary: 'TCP sockets by state and their queued bytes, over netlink or from `/proc/net/tcp` and `/proc/net/tcp6`.',
  options: NO_OPTIONS,
  whenEmpty: 'no TCP sockets found',
  families: [states],
  create({ host }) {
    const netlink = new Netlink(host);
    return (out) => {
      for (const [state, value] of netlink.usable ? askTcp(host, netlink) : readTcp(out, host))
        out.add(states, value, state);
    };
  },
});

/** Sums by the label `state`; states without sockets are absent. */
class SocketSums extends Map<string, number> {
  addSocket(state: number, receiveQueue: number, sendQueue: number): void {
    this.#increase(NAMES[state] ?? 'unknown', 1);
    this.#increase('rx_queued_bytes', receiveQueue);
    this.#increase('tx_queued_bytes', sendQueue);
  }

  #increase(label: string, by: number): void {
    this.set(label, (this.get(label) ?? 0) + by);
  }
}

function askTcp(host: Host, netlink: Netlink): SocketSums {
  const sums = new SocketSums();
  // Without IPv6 the kernel rejects the dump of its sockets.
  const families = host.exists(netPath(host, 'tcp6')) ? [AF_INET, AF_INET6] : [AF_INET];
  for (const family of families) {
    netlink.dump(tcpSockets(family), (payload) => {
      const { state, receiveQueue, sendQueue } = decodeTcpSocket(payload);
      sums.addSocket(state, receiveQueue, sendQueue);
    });
  }
  return sums;
}

/** The files of busy hosts are long, 150 bytes per socket. */
const MAX_BYTES = 64 * 1024 * 1024;

function readTcp(out: Snapshot, host: Host): SocketSums {
  const sums = new SocketSums();
  const [path, path6] = [netPath(host, 'tcp'), netPath(host, 'tcp6')] as const;
  const found = [path, path6].filter((one) => readSockets(out, host, one, sums));
  if (found.length === 0) throw new MissingFile(path);
  return sums;
}

/** A header line, then one socket per line: number, addresses, state, `tx_queue:rx_queue`, … in hexadecimal. */
function readSockets(out: Snapshot, host: Host, path: string, sums: SocketSums): boolean {
  const take = (line: string) => {
    const socket = parseSocketLine(line);
    if (socket) sums.addSocket(socket.state, socket.receiveQueue, socket.sendQueue);
  };
  return recordsOfFile(out, host, path, take, MAX_BYTES);
}
