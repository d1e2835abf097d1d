import { counter, type Family } from '../../metrics/family.ts';

/** Counters of struct rtnl_link_stats64, in its order, under node_exporter's detailed names. */
const DETAILED = [
  'receive_packets',
  'transmit_packets',
  'receive_bytes',
  'transmit_bytes',
  'receive_errors',
  'transmit_errors',
  'receive_dropped',
  'transmit_dropped',
  'multicast',
  'collisions',
  'receive_length_errors',
  'receive_over_errors',
  'receive_crc_errors',
  'receive_frame_errors',
  'receive_fifo_errors',
  'receive_missed_errors',
  'transmit_aborted_errors',
  'transmit_carrier_errors',
  'transmit_fifo_errors',
  'transmit_heartbeat_errors',
  'transmit_window_errors',
  'receive_compressed',
  'transmit_compressed',
  'receive_nohandler',
] as const;

/** The usual names, each with the counters that it sums: what /proc/net/dev shows, and `receive_nohandler`. */
const SUMMED: Readonly<Record<string, readonly (typeof DETAILED)[number][]>> = {
  receive_bytes: ['receive_bytes'],
  receive_packets: ['receive_packets'],
  receive_errs: ['receive_errors'],
  receive_drop: ['receive_dropped', 'receive_missed_errors'],
  receive_fifo: ['receive_fifo_errors'],
  receive_frame: ['receive_length_errors', 'receive_over_errors', 'receive_crc_errors', 'receive_frame_errors'],
  receive_compressed: ['receive_compressed'],
  receive_multicast: ['multicast'],
  transmit_bytes: ['transmit_bytes'],
  transmit_packets: ['transmit_packets'],
  transmit_errs: ['transmit_errors'],
  transmit_drop: ['transmit_dropped'],
  transmit_fifo: ['transmit_fifo_errors'],
  transmit_colls: ['collisions'],
  transmit_carrier: [
    'transmit_carrier_errors',
    'transmit_aborted_errors',
    'transmit_window_errors',
    'transmit_heartbeat_errors',
  ],
  transmit_compressed: ['transmit_compressed'],
  receive_nohandler: ['receive_nohandler'],
};

/** A family and the indexes of the counters in rtnl_link_stats64 that it sums. */
export interface Counter {
  readonly family: Family;
  readonly fields: readonly number[];
}

/** The counters of a device, summed as in /proc/net/dev or individually. */
export function netlinkCounters(detailed: boolean, labels: readonly string[]): Counter[] {
  if (detailed) return DETAILED.map((name, index) => ({ family: networkCounter(name, labels), fields: [index] }));
  return Object.entries(SUMMED).map(([name, fields]) => ({
    family: networkCounter(name, labels),
    fields: fields.map((field) => DETAILED.indexOf(field)),
  }));
}

/** The columns of /proc/net/dev in their order. With `detailed` only two words differ: the file contains the sums. */
export function fileFamilies(detailed: boolean, labels: readonly string[]): Family[] {
  const names = Object.keys(SUMMED).filter((name) => name !== 'receive_nohandler');
  const longer = (name: string) => name.replace(/_errs$/, '_errors').replace(/_drop$/, '_dropped');
  return names.map((name) => networkCounter(detailed ? longer(name) : name, labels));
}

const networkCounter = (name: string, labels: readonly string[]): Family =>
  counter(`node_network_${name}_total`, `Network device counter ${name.replaceAll('_', ' ')}.`, labels);
