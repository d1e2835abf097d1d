// /proc/net/dev and /proc/<pid>/net/dev: proc_pid_net(5), written by net/core/net-procfs.c. One process of a network
// namespace shows all its devices.
import { eachRecord, type Losses } from './lines.ts';
import { counts } from './numbers.ts';

/** The counters of a device, in the order of the file. */
export const NET_DEVICE_COUNTERS = [
  'receiveBytes',
  'receivePackets',
  'receiveErrors',
  'receiveDropped',
  'receiveFifo',
  'receiveFrame',
  'receiveCompressed',
  'receiveMulticast',
  'transmitBytes',
  'transmitPackets',
  'transmitErrors',
  'transmitDropped',
  'transmitFifo',
  'transmitCollisions',
  'transmitCarrier',
  'transmitCompressed',
] as const;

/** A device, and its counters since it was created. */
export interface NetDevice extends Readonly<Record<(typeof NET_DEVICE_COUNTERS)[number], number>> {
  readonly name: string;
}

const HEADER_LINES = 2;

/**
 * The devices of a file, one per line after the headers: `  eth0: 874354587 1036395    0 …`. Older kernels accept names
 * with a colon (`eth0:1`), so the last one ends the name. A malformed line, or a second one of the same device, is recorded
 * as a loss, unless the device is not wanted.
 */
export function parseNetDev(
  lost: Losses,
  path: string,
  text: string,
  isWanted: (name: string) => boolean,
): NetDevice[] {
  const devices: NetDevice[] = [];
  const known = new Set<string>();
  eachRecord(lost, path, text, (line, number) => {
    if (number <= HEADER_LINES) return;
    const colon = line.lastIndexOf(':');
    if (colon === -1) throw new Error('expected a device and its counters');
    const name = line.slice(0, colon).trim();
    if (!isWanted(name)) return;
    if (known.has(name)) throw new Error(`${name} is listed twice`);
    devices.push(deviceOf(name, counts(line, colon + 1)));
    known.add(name);
  });
  return devices;
}

/** In one literal, so that all devices have the same shape. */
function deviceOf(name: string, columns: readonly number[]): NetDevice {
  const { length } = NET_DEVICE_COUNTERS;
  const counter = (index: number): number => {
    const value = columns[index];
    if (value === undefined || columns.length > length)
      throw new Error(`expected ${length} counters, found ${columns.length}`);
    return value;
  };
  return {
    name,
    receiveBytes: counter(0),
    receivePackets: counter(1),
    receiveErrors: counter(2),
    receiveDropped: counter(3),
    receiveFifo: counter(4),
    receiveFrame: counter(5),
    receiveCompressed: counter(6),
    receiveMulticast: counter(7),
    transmitBytes: counter(8),
    transmitPackets: counter(9),
    transmitErrors: counter(10),
    transmitDropped: counter(11),
    transmitFifo: counter(12),
    transmitCollisions: counter(13),
    transmitCarrier: counter(14),
    transmitCompressed: counter(15),
  };
}
