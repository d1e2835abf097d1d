// /proc/net/udp and udp6: proc_pid_net(5); written by net/ipv4/udp.c. udp6 is absent without IPv6.
import type { Host } from '../../host/host.ts';
import type { Losses } from '../../host/lines.ts';
import { netPath } from '../../host/net-files.ts';
import { recordsOfFile } from '../../host/records.ts';
import { parseSocketLine } from '../../host/socket-files.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const queues = gauge('node_udp_queues', 'Bytes in the receive (rx) and transmit (tx) queues of all UDP sockets.', [
  'queue',
  'ip',
]);

/** Memory of the queues of UDP sockets. */
export const udpQueues = defineCollector({
  name: 'udp_queues',
  enabled: true,
  summary: 'Bytes queued by UDP sockets, from `/proc/net/udp` and `/proc/net/udp6`.',
  options: NO_OPTIONS,
  whenEmpty: 'the kernel has neither udp nor udp6',
  families: [queues],
  create({ host }) {
    const paths = { v4: netPath(host, 'udp'), v6: netPath(host, 'udp6') };
    return (out) => {
      for (const [ip, path] of Object.entries(paths)) {
        const sums = readUdp(out, host, path);
        if (sums === undefined) continue;
        out.add(queues, sums.send, 'tx', ip);
        out.add(queues, sums.receive, 'rx', ip);
      }
    };
  },
});

/**
 * Sums over the sockets, one per line after a header line, whose fifth column is `tx_queue:rx_queue` in hexadecimal;
 * undefined if the file is absent or none of its sockets is readable.
 */
function readUdp(lost: Losses, host: Host, path: string): { send: number; receive: number } | undefined {
  const sums = { send: 0, receive: 0 };
  let heads = 0;
  let lines = 0;
  let sockets = 0;
  recordsOfFile(lost, host, path, (line) => {
    lines++;
    const socket = parseSocketLine(line);
    if (socket === undefined) {
      heads++;
      return;
    }
    sums.send += socket.sendQueue;
    sums.receive += socket.receiveQueue;
    sockets++;
  });
  return sockets > 0 || (heads > 0 && lines === heads) ? sums : undefined;
}
