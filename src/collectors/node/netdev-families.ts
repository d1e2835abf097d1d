import { counter, type Family } from '../../metrics/family.ts';

/** Counters of struct rtnl_link_stats64, in its order, under node_exporter's detailed names. */
const DETAILED = {
  receive_packets: 'Packets received.',
  transmit_packets: 'Packets sent.',
  receive_bytes: 'Bytes received.',
  transmit_bytes: 'Bytes sent.',
  receive_errors: 'Bad packets received, of all kinds.',
  transmit_errors: 'Packets that failed to be sent, for any reason.',
  receive_dropped: 'Packets received but not processed, for lack of resources or of support for the protocol.',
  transmit_dropped: 'Packets dropped before transmission, such as for lack of resources.',
  multicast: 'Multicast packets received.',
  collisions: 'Collisions during transmission.',
  receive_length_errors: 'Packets dropped because of an invalid length.',
  receive_over_errors: 'Packets dropped because they did not fit into the buffers of the host.',
  receive_crc_errors: 'Packets received with a CRC error.',
  receive_frame_errors: 'Packets received with a frame alignment error.',
  receive_fifo_errors: 'Receiver FIFO errors (overruns).',
  receive_missed_errors: 'Packets that the device dropped because its buffers were full.',
  transmit_aborted_errors: 'Transmissions aborted, such as after too many collisions.',
  transmit_carrier_errors: 'Transmissions that failed because the carrier was lost.',
  transmit_fifo_errors: 'Transmissions that failed because of a FIFO underrun.',
  transmit_heartbeat_errors: 'Heartbeat (SQE test) errors of half-duplex Ethernet.',
  transmit_window_errors: 'Transmissions that failed because of late collisions.',
  receive_compressed: 'Compressed packets received.',
  transmit_compressed: 'Compressed packets sent.',
  receive_nohandler: 'Packets dropped because the device should not receive any, such as an inactive bond port.',
} as const;
type Detailed = keyof typeof DETAILED;
const ORDER = Object.keys(DETAILED);

/** The usual names, each with the counters that it sums: what /proc/net/dev shows, and `receive_nohandler`. */
const SUMMED: Readonly<Record<string, { help: string; sums: readonly Detailed[] }>> = {
  receive_bytes: { help: DETAILED.receive_bytes, sums: ['receive_bytes'] },
  receive_packets: { help: DETAILED.receive_packets, sums: ['receive_packets'] },
  receive_errs: { help: DETAILED.receive_errors, sums: ['receive_errors'] },
  receive_drop: {
    help: 'Packets received but dropped, by the kernel or because the buffers of the device were full.',
    sums: ['receive_dropped', 'receive_missed_errors'],
  },
  receive_fifo: { help: DETAILED.receive_fifo_errors, sums: ['receive_fifo_errors'] },
  receive_frame: {
    help: 'Packets received with a length, overflow, CRC or frame alignment error.',
    sums: ['receive_length_errors', 'receive_over_errors', 'receive_crc_errors', 'receive_frame_errors'],
  },
  receive_compressed: { help: DETAILED.receive_compressed, sums: ['receive_compressed'] },
  receive_multicast: { help: DETAILED.multicast, sums: ['multicast'] },
  transmit_bytes: { help: DETAILED.transmit_bytes, sums: ['transmit_bytes'] },
  transmit_packets: { help: DETAILED.transmit_packets, sums: ['transmit_packets'] },
  transmit_errs: { help: DETAILED.transmit_errors, sums: ['transmit_errors'] },
  transmit_drop: { help: DETAILED.transmit_dropped, sums: ['transmit_dropped'] },
  transmit_fifo: { help: DETAILED.transmit_fifo_errors, sums: ['transmit_fifo_errors'] },
  transmit_colls: { help: DETAILED.collisions, sums: ['collisions'] },
  transmit_carrier: {
    help: 'Transmissions that failed because of a lost carrier, an abort, a late collision or a heartbeat error.',
    sums: ['transmit_carrier_errors', 'transmit_aborted_errors', 'transmit_window_errors', 'transmit_heartbeat_errors'],
  },
  transmit_compressed: { help: DETAILED.transmit_compressed, sums: ['transmit_compressed'] },
  receive_nohandler: { help: DETAILED.receive_nohandler, sums: ['receive_nohandler'] },
};

/** A family and the indexes of the counters in rtnl_link_stats64 that it sums. */
export interface NetworkCounter {
  readonly family: Family;
  readonly fields: readonly number[];
}

/** The counters of a device, summed as in /proc/net/dev or individually. */
export function netlinkCounters(detailed: boolean, labels: readonly string[]): NetworkCounter[] {
  if (detailed) {
    const all = Object.entries(DETAILED);
    return all.map(([name, help], index) => ({ family: networkCounter(name, help, labels), fields: [index] }));
  }
  return Object.entries(SUMMED).map(([name, { help, sums }]) => ({
    family: networkCounter(name, help, labels),
    fields: sums.map((field) => ORDER.indexOf(field)),
  }));
}

/** The columns of /proc/net/dev in their order. With `detailed` only two words differ: the file contains the sums. */
export function fileFamilies(detailed: boolean, labels: readonly string[]): Family[] {
  const columns = Object.entries(SUMMED).filter(([name]) => name !== 'receive_nohandler');
  const longer = (name: string) => name.replace(/_errs$/, '_errors').replace(/_drop$/, '_dropped');
  return columns.map(([name, { help }]) => networkCounter(detailed ? longer(name) : name, help, labels));
}

const networkCounter = (name: string, help: string, labels: readonly string[]): Family =>
  counter(`node_network_${name}_total`, help, labels);
