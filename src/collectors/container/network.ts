// /proc/<pid>/net/dev: proc_pid_net(5). One process of a pod represents the network of all, since they share it.
import { eachRecord, type Losses, words } from '../../host/lines.ts';
import { count } from '../../host/numbers.ts';

/** The counters of one interface. */
export interface InterfaceCounters {
  readonly name: string;
  readonly receiveBytes: number;
  readonly receivePackets: number;
  readonly receiveErrors: number;
  readonly receiveDropped: number;
  readonly transmitBytes: number;
  readonly transmitPackets: number;
  readonly transmitErrors: number;
  readonly transmitDropped: number;
}

/** Interfaces that cAdvisor leaves out: loopback, and the host's ends of the pods' own. */
const LEFT_OUT = /^(?:lo|veth|docker|nerdctl)/i;

/** The interfaces of a net/dev file; a malformed line is recorded as a loss. */
export function parseNetDev(path: string, text: string, lost: Losses): InterfaceCounters[] {
  const interfaces: InterfaceCounters[] = [];
  eachRecord(lost, path, text, (line) => {
    const colon = line.indexOf(':');
    // Two lines of headings.
    if (colon === -1) return;
    const name = line.slice(0, colon).trim();
    if (LEFT_OUT.test(name)) return;
    const fields = words(line.slice(colon + 1));
    const field = (index: number) => count(fields[index]);
    interfaces.push({
      name,
      receiveBytes: field(0),
      receivePackets: field(1),
      receiveErrors: field(2),
      receiveDropped: field(3),
      transmitBytes: field(8),
      transmitPackets: field(9),
      transmitErrors: field(10),
      transmitDropped: field(11),
    });
  });
  return interfaces;
}
