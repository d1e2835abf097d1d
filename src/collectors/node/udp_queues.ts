// /proc/net/udp and udp6: proc_pid_net(5); written by net/ipv4/udp.c. udp6 is absent without IPv6.
import { eachLine, words } from '../../host/lines.ts';
import { netPath } from '../../host/net-files.ts';
import { hexadecimal } from '../../host/numbers.ts';
import { gauge } from '../../metrics/family.ts';
import { NoData } from '../../metrics/outcome.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const queues = gauge('node_udp_queues', 'Bytes that UDP sockets have queued.', ['queue', 'ip']);

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
        const text = host.readIfExists(path);
        if (text === undefined) continue;
        const { send, receive } = parseUdp(path, text);
        out.add(queues, send, 'tx', ip);
        out.add(queues, receive, 'rx', ip);
      }
      if (out.size === 0) throw new NoData(`neither ${paths.v4} nor ${paths.v6} exists`);
    };
  },
});

/** Sums over a line of heads and one socket a line, whose fifth column is `tx_queue:rx_queue` in hexadecimal. */
export function parseUdp(path: string, text: string): { send: number; receive: number } {
  const sums = { send: 0, receive: 0 };
  eachLine(path, text, (line, number) => {
    if (number === 1) return;
    const [send, receive] = (words(line)[4] ?? '').split(':');
    sums.send += hexadecimal(send);
    sums.receive += hexadecimal(receive);
  });
  return sums;
}
