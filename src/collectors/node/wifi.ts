// Wireless devices and their peers, over nl80211. Absent without wireless hardware, without node:ffi, and where the agent
// is not in the host's network namespace.
import { entriesOf } from '../../base/records.ts';
import { genericFamily } from '../../host/generic-netlink.ts';
import { NetlinkError } from '../../host/netlink.ts';
import { type DumpKind, Netlink } from '../../host/netlink-socket.ts';
import {
  decodeNetwork,
  decodeStation,
  decodeWirelessDevice,
  NL80211,
  networksOf,
  type Station,
  stationsOf,
  type WirelessDevice,
  wirelessDevices,
} from '../../host/nl80211.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import { NoData } from '../../metrics/outcome.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const frequency = gauge('node_wifi_interface_frequency_hertz', 'Operating frequency of the device.', ['device']);
const info = gauge('node_wifi_station_info', 'Always 1; the network that the device belongs to.', [
  'device',
  'bssid',
  'ssid',
  'mode',
]);

const LABELS = ['device', 'mac_address'];
const count = (name: string, help: string) => counter(`node_wifi_station_${name}_total`, help, LABELS);
const level = (name: string, help: string) => gauge(`node_wifi_station_${name}`, help, LABELS);

/** Families by the value that a peer reports. */
const STATION: Readonly<Record<Exclude<keyof Station, 'macAddress'>, Family>> = {
  connectedSeconds: count('connected_seconds', 'How long the peer has been connected.'),
  inactiveSeconds: level('inactive_seconds', 'Time since the last activity of the peer.'),
  receiveBitsPerSecond: level('receive_bits_per_second', 'Bit rate of the link from the peer.'),
  transmitBitsPerSecond: level('transmit_bits_per_second', 'Bit rate of the link to the peer.'),
  receiveBytes: count('receive_bytes', 'Bytes received from the peer.'),
  transmitBytes: count('transmit_bytes', 'Bytes sent to the peer.'),
  signalDbm: level('signal_dbm', 'Signal strength of the peer.'),
  transmitRetries: count('transmit_retries', 'Retransmissions to the peer.'),
  transmitFailed: count('transmit_failed', 'Packets that could not be sent to the peer.'),
  beaconLoss: count('beacon_loss', 'Number of times a loss of beacons was detected.'),
  transmittedPackets: count('transmitted_packets', 'Packets sent to the peer.'),
  receivedPackets: count('received_packets', 'Packets received from the peer.'),
};

/** Wireless devices and their peers. */
export const wifi = defineCollector({
  name: 'wifi',
  enabled: false,
  summary: 'Wireless devices and their peers, over nl80211 (needs `node:ffi` and hostNetwork).',
  options: NO_OPTIONS,
  whenEmpty: 'no wireless device is on a channel',
  families: [frequency, info, ...Object.values(STATION)],
  create({ host }) {
    const netlink = new Netlink(host);
    return (out) => {
      // Looked up each time: the number changes when the module is reloaded.
      const family = genericFamily(netlink, NL80211);
      if (family === undefined) throw new NoData(`the kernel has no ${NL80211}: no wireless device`);
      addWireless(out, family, (kind, take) => netlink.dump(kind, take));
    };
  },
});

/** Queries the kernel, like {@link Netlink.dump}. */
type Dump = (kind: DumpKind, take: (payload: Buffer) => void) => void;

/** Adds the result of `dump`; `family` is the number of nl80211. Throws like `dump` for the list of devices. */
export function addWireless(out: Snapshot, family: number, dump: Dump): void {
  const devices: WirelessDevice[] = [];
  dump(wirelessDevices(family), (payload) => {
    const device = decodeWirelessDevice(payload);
    if (device !== undefined) devices.push(device);
  });
  for (const { name, index, frequencyHertz } of devices) {
    if (frequencyHertz !== undefined) out.add(frequency, frequencyHertz, name);
    attempt(out, `${name}: network`, () => {
      // If there are several, as after roaming, any of them is sufficient.
      const [own] = decoded(dump, networksOf(family, index), decodeNetwork);
      if (own !== undefined) out.add(info, 1, name, own.bssid, own.ssid, own.mode);
    });
    attempt(out, `${name}: peers`, () => {
      for (const station of decoded(dump, stationsOf(family, index), decodeStation)) addStation(out, name, station);
    });
  }
}

function decoded<Value>(dump: Dump, kind: DumpKind, decode: (payload: Buffer) => Value | undefined): Value[] {
  const values: Value[] = [];
  dump(kind, (payload) => {
    const value = decode(payload);
    if (value !== undefined) values.push(value);
  });
  return values;
}

function addStation(out: Snapshot, device: string, station: Station): void {
  for (const [field, family] of entriesOf(STATION)) {
    const value = station[field];
    if (value !== undefined) out.add(family, value, device, station.macAddress);
  }
}

/**
 * Errors for data that a driver or kind of device lacks, and for a device that was just removed; Node calls EOPNOTSUPP
 * ENOTSUP.
 */
const ABSENT: ReadonlySet<string | undefined> = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ENODEV', 'ENOENT', 'ENETDOWN']);

function attempt(out: Snapshot, unit: string, ask: () => void): void {
  try {
    ask();
  } catch (cause) {
    if (!(cause instanceof NetlinkError && ABSENT.has(cause.code))) out.lose(unit, cause);
  }
}
