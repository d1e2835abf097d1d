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

type Writable<Of> = { -readonly [Key in keyof Of]: Of[Key] };

const HEADER_LINES = 2;

/**
 * The devices of a file, one per line after the headers: `  eth0: 874354587 1036395    0 …`. Older kernels accept names
 * with a colon (`eth0:1`), so the last one ends the name. A malformed line, or a second one of the same device, is recorded
 * as a loss, unless the device is not wanted. `spent` are devices of an earlier reading that nothing uses any more; those
 * with the same names are overwritten instead of created.
 */
export function parseNetDev(
  lost: Losses,
  path: string,
  text: string,
  isWanted: (name: string) => boolean,
  spent: readonly NetDevice[] = [],
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
    const earlier = spent[devices.length];
    const device = earlier?.name === name ? earlier : newDevice(name);
    fill(device, counts(line, colon + 1));
    devices.push(device);
    known.add(name);
  });
  return devices;
}

function fill(device: Writable<NetDevice>, columns: readonly number[]): void {
  const expected = NET_DEVICE_COUNTERS.length;
  if (columns.length !== expected) throw new Error(`expected ${expected} counters, found ${columns.length}`);
  NET_DEVICE_COUNTERS.forEach((counter, index) => {
    device[counter] = columns[index] ?? Number.NaN;
  });
}

/** In one literal, so that all devices have the same shape. */
const newDevice = (name: string): NetDevice => ({
  name,
  receiveBytes: 0,
  receivePackets: 0,
  receiveErrors: 0,
  receiveDropped: 0,
  receiveFifo: 0,
  receiveFrame: 0,
  receiveCompressed: 0,
  receiveMulticast: 0,
  transmitBytes: 0,
  transmitPackets: 0,
  transmitErrors: 0,
  transmitDropped: 0,
  transmitFifo: 0,
  transmitCollisions: 0,
  transmitCarrier: 0,
  transmitCompressed: 0,
});
