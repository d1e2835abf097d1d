import { type Family, gauge, untyped } from '../../metrics/family.ts';

const DEVICE = ['device'];
const SPEED = ['device', 'duplex', 'mode'];

export const ethtoolInfo = gauge('node_ethtool_info', 'Always 1; the driver of the device.', [
  'bus_info',
  'device',
  'driver',
  'expansion_rom_version',
  'firmware_version',
  'version',
]);
export const port = gauge('node_network_supported_port_info', 'Always 1; a kind of port that the device has.', [
  'device',
  'type',
]);
export const autonegotiate = gauge('node_network_autonegotiate', 'Whether the device negotiates its speed.', DEVICE);

/** Families for the link modes that a device supports, and for those that it advertises. */
export interface ModeFamilies {
  readonly speed: Family;
  readonly autonegotiate: Family;
  readonly pause: Family;
  readonly asymmetricPause: Family;
}

const modeFamilies = (state: string): ModeFamilies => ({
  speed: gauge(`node_network_${state}_speed_bytes`, `Link speed ${state}, in bytes per second.`, SPEED),
  autonegotiate: gauge(`node_network_autonegotiate_${state}`, `Whether autonegotiation is ${state}.`, DEVICE),
  pause: gauge(`node_network_pause_${state}`, `Whether pause frames are ${state}.`, DEVICE),
  asymmetricPause: gauge(`node_network_asymmetricpause_${state}`, `Whether asymmetric pause is ${state}.`, DEVICE),
});

export const supported = modeFamilies('supported');
export const advertised = modeFamilies('advertised');

/** Bits of enum ethtool_link_mode_bit_indices that are not speeds. */
export const AUTONEGOTIATE_BIT = 6;
export const PAUSE_BIT = 13;
export const ASYMMETRIC_PAUSE_BIT = 14;

/** Kinds of ports by bit. */
export const PORTS: readonly (readonly [bit: number, type: string])[] = [
  [7, 'TP'],
  [8, 'AUI'],
  [9, 'MII'],
  [10, 'FIBRE'],
  [11, 'BNC'],
  [16, 'Backplane'],
];

/** Speeds in megabits by bit. The old ioctl, which upstream uses, only reports the first 32 bits. */
export const SPEEDS: readonly (readonly [bit: number, megabits: number, duplex: 'half' | 'full', medium: string])[] = [
  [0, 10, 'half', 'T'],
  [1, 10, 'full', 'T'],
  [2, 100, 'half', 'T'],
  [3, 100, 'full', 'T'],
  [4, 1000, 'half', 'T'],
  [5, 1000, 'full', 'T'],
  [12, 10_000, 'full', 'T'],
  [17, 1000, 'full', 'KX'],
  [18, 10_000, 'full', 'KX4'],
  [19, 10_000, 'full', 'KR'],
  [20, 10_000, 'full', 'R_FEC'],
  [21, 20_000, 'full', 'MLD2'],
  [22, 20_000, 'full', 'KR2'],
  [23, 40_000, 'full', 'KR4'],
  [24, 40_000, 'full', 'CR4'],
  [25, 40_000, 'full', 'SR4'],
  [26, 40_000, 'full', 'LR4'],
  [27, 56_000, 'full', 'KR4'],
  [28, 56_000, 'full', 'CR4'],
  [29, 56_000, 'full', 'SR4'],
  [30, 56_000, 'full', 'LR4'],
  [31, 25_000, 'full', 'CR'],
];

/** Statistics that nearly all drivers have get well-known names. */
const WELL_KNOWN: Readonly<Record<string, string>> = {
  rx_bytes: 'received_bytes_total',
  rx_dropped: 'received_dropped_total',
  rx_errors: 'received_errors_total',
  rx_packets: 'received_packets_total',
  tx_bytes: 'transmitted_bytes_total',
  tx_errors: 'transmitted_errors_total',
  tx_packets: 'transmitted_packets_total',
};

/** A driver's statistic name, sanitized for a metric name. */
export const sanitized = (name: string): string => name.replaceAll(/_*[^0-9A-Za-z_]+_*/g, '_');

/**
 * `Queue[0] rx bytes`, sanitized, → `queue_0_received_bytes`. Of `tx_tx_timeouts` only the first becomes
 * `transmitted`, since matches do not overlap.
 */
export function statisticName(name: string): string {
  const lower = name.toLowerCase().replace(/^_+/, '');
  return lower.replaceAll(/(^|_)rx(_|$)/g, '$1received$2').replaceAll(/(^|_)tx(_|$)/g, '$1transmitted$2');
}

/** Name and help text of the family of a statistic, by its sanitized name. */
export function statisticFamily(name: string): [name: string, help: string] {
  const known = Object.hasOwn(WELL_KNOWN, name) ? WELL_KNOWN[name] : undefined;
  return [`node_ethtool_${known ?? statisticName(name)}`, `Counter ${name} of the network driver.`];
}

/** The families of the statistics with well-known names. */
export const wellKnownStatistics: readonly Family[] = Object.keys(WELL_KNOWN).map((name) =>
  untyped(...statisticFamily(name), DEVICE),
);
