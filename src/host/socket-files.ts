// /proc/<pid>/net/{tcp,tcp6,udp,udp6}: proc_pid_net(5); written by net/ipv4/tcp_ipv4.c and udp.c.
import { words } from './lines.ts';

/** A socket of these files. */
interface SocketLine {
  /** By number, include/net/tcp_states.h. */
  readonly state: number;
  /** Bytes in the queues. */
  readonly sendQueue: number;
  readonly receiveQueue: number;
  readonly columns: readonly string[];
}

/** Two and eight hexadecimal digits, never fewer. */
const STATE = /^[0-9A-F]{2}$/;
const QUEUES = /^([0-9A-F]{8}):([0-9A-F]{8})$/;

/** The socket of a line such as ` 0: 0100007F:1389 00000000:0000 0A 00000000:00000000 …`; undefined for the header. */
export function parseSocketLine(line: string): SocketLine | undefined {
  const columns = words(line);
  const [first, , , state = '', queues = ''] = columns;
  if (first === 'sl') return undefined;
  const [, send, receive] = QUEUES.exec(queues) ?? [];
  if (send === undefined || receive === undefined) throw new Error('expected tx_queue:rx_queue in column 5');
  if (!STATE.test(state)) throw new Error('expected a state in column 4');
  return {
    state: Number.parseInt(state, 16),
    sendQueue: Number.parseInt(send, 16),
    receiveQueue: Number.parseInt(receive, 16),
    columns,
  };
}
