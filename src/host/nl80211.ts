// Wireless devices as reported by the kernel: include/uapi/linux/nl80211.h. Payload decoders.
import { GENERIC_HEADER_BYTES, genericDump } from './generic-netlink.ts';
import { nulTerminated, putU32, u16, u32, u64 } from './native.ts';
import { attribute, encodeAttribute } from './netlink.ts';
import type { DumpKind } from './netlink-socket.ts';

/** The name of the family of messages. */
export const NL80211 = 'nl80211';

const CMD_GET_INTERFACE = 5;
const CMD_GET_STATION = 17;
const CMD_GET_SCAN = 32;
const ATTR_IFINDEX = 3;
const ATTR_IFNAME = 4;
const ATTR_MAC = 6;
const ATTR_STA_INFO = 21;
const ATTR_WIPHY_FREQ = 38;
const ATTR_BSS = 47;

/** All wireless devices; `family` is the number of {@link NL80211}. */
export const wirelessDevices = (family: number): DumpKind => genericDump(family, CMD_GET_INTERFACE);

/** The peers of a device, by its index: its access point, or its clients. */
export const stationsOf = (family: number, index: number): DumpKind =>
  genericDump(family, CMD_GET_STATION, encodeAttribute(ATTR_IFINDEX, number32(index)));

/** The networks that a device has received, by its index; one of them may be its own. */
export const networksOf = (family: number, index: number): DumpKind =>
  genericDump(family, CMD_GET_SCAN, encodeAttribute(ATTR_IFINDEX, number32(index)));

/** A wireless device. */
export interface WirelessDevice {
  readonly index: number;
  readonly name: string;
  /** Undefined while it has no channel. */
  readonly frequencyHertz: number | undefined;
}

/** Decodes a payload of {@link wirelessDevices}; undefined for a device without a name, such as one for P2P. */
export function decodeWirelessDevice(payload: Buffer): WirelessDevice | undefined {
  const index = attribute(payload, GENERIC_HEADER_BYTES, ATTR_IFINDEX);
  const name = attribute(payload, GENERIC_HEADER_BYTES, ATTR_IFNAME);
  if (index === undefined || name === undefined || name.length === 0) return undefined;
  const megahertz = read32(attribute(payload, GENERIC_HEADER_BYTES, ATTR_WIPHY_FREQ));
  return { index: u32(index, 0), name: nulTerminated(name), frequencyHertz: megahertz && megahertz * 1e6 };
}

/** The network that a device belongs to. */
interface Network {
  readonly bssid: string;
  readonly ssid: string;
  readonly mode: 'client' | 'ad-hoc' | 'unknown';
}

const BSS_BSSID = 1;
const BSS_INFORMATION_ELEMENTS = 6;
const BSS_STATUS = 9;
/** By NL80211_BSS_STATUS_*: authenticated, associated, joined. */
const MODES = ['client', 'client', 'ad-hoc'] as const;

/** Decodes a payload of {@link networksOf}; undefined for a network that the device is not part of. */
export function decodeNetwork(payload: Buffer): Network | undefined {
  const bss = attribute(payload, GENERIC_HEADER_BYTES, ATTR_BSS);
  const status = bss && read32(attribute(bss, 0, BSS_STATUS));
  if (bss === undefined || status === undefined) return undefined;
  return {
    bssid: macText(attribute(bss, 0, BSS_BSSID)),
    ssid: ssidOf(attribute(bss, 0, BSS_INFORMATION_ELEMENTS)),
    mode: MODES[status] ?? 'unknown',
  };
}

/** Element 0 of a beacon is the name of the network: id, length and bytes of each in a row. */
function ssidOf(elements: Buffer | undefined): string {
  if (elements === undefined) return '';
  for (let offset = 0; offset + 2 <= elements.length; offset += 2 + (elements[offset + 1] ?? 0)) {
    const length = elements[offset + 1] ?? 0;
    if (elements[offset] === 0) return elements.toString('utf8', offset + 2, offset + 2 + length);
  }
  return '';
}

/** A peer of a wireless device. Values that the driver does not report are undefined. */
export interface Station {
  readonly macAddress: string;
  readonly connectedSeconds: number | undefined;
  readonly inactiveSeconds: number | undefined;
  readonly receiveBitsPerSecond: number | undefined;
  readonly transmitBitsPerSecond: number | undefined;
  readonly receiveBytes: number | undefined;
  readonly transmitBytes: number | undefined;
  readonly receivedPackets: number | undefined;
  readonly transmittedPackets: number | undefined;
  readonly signalDbm: number | undefined;
  readonly transmitRetries: number | undefined;
  readonly transmitFailed: number | undefined;
  readonly beaconLoss: number | undefined;
}

/** NL80211_STA_INFO_*. */
const STATION = {
  inactiveMs: 1,
  receiveBytes32: 2,
  transmitBytes32: 3,
  signal: 7,
  transmitRate: 8,
  receivedPackets: 9,
  transmittedPackets: 10,
  transmitRetries: 11,
  transmitFailed: 12,
  receiveRate: 14,
  connectedSeconds: 16,
  beaconLoss: 18,
  receiveBytes64: 23,
  transmitBytes64: 24,
} as const;

/** Decodes a payload of {@link stationsOf}; undefined for one without data about the peer. */
export function decodeStation(payload: Buffer): Station | undefined {
  const info = attribute(payload, GENERIC_HEADER_BYTES, ATTR_STA_INFO);
  if (info === undefined) return undefined;
  const value = (type: number) => attribute(info, 0, type);
  const inactiveMs = read32(value(STATION.inactiveMs));
  const signal = value(STATION.signal);
  return {
    macAddress: macText(attribute(payload, GENERIC_HEADER_BYTES, ATTR_MAC)),
    connectedSeconds: read32(value(STATION.connectedSeconds)),
    inactiveSeconds: inactiveMs === undefined ? undefined : inactiveMs / 1000,
    receiveBitsPerSecond: bitsPerSecond(value(STATION.receiveRate)),
    transmitBitsPerSecond: bitsPerSecond(value(STATION.transmitRate)),
    // The 32-bit counts wrap around after 4 GiB.
    receiveBytes: read64(value(STATION.receiveBytes64)) ?? read32(value(STATION.receiveBytes32)),
    transmitBytes: read64(value(STATION.transmitBytes64)) ?? read32(value(STATION.transmitBytes32)),
    receivedPackets: read32(value(STATION.receivedPackets)),
    transmittedPackets: read32(value(STATION.transmittedPackets)),
    signalDbm: signal === undefined || signal.length < 1 ? undefined : signal.readInt8(0),
    transmitRetries: read32(value(STATION.transmitRetries)),
    transmitFailed: read32(value(STATION.transmitFailed)),
    beaconLoss: read32(value(STATION.beaconLoss)),
  };
}

const RATE_BITRATE = 1;
const RATE_BITRATE32 = 5;
/** Rates are in units of 100 kbit/s. */
const RATE_UNIT = 100_000;

function bitsPerSecond(rate: Buffer | undefined): number | undefined {
  if (rate === undefined) return undefined;
  const short = attribute(rate, 0, RATE_BITRATE);
  const units = read32(attribute(rate, 0, RATE_BITRATE32)) ?? (short && short.length >= 2 ? u16(short, 0) : undefined);
  return units === undefined ? undefined : units * RATE_UNIT;
}

const read32 = (bytes: Buffer | undefined): number | undefined =>
  bytes === undefined || bytes.length < 4 ? undefined : u32(bytes, 0);

const read64 = (bytes: Buffer | undefined): number | undefined =>
  bytes === undefined || bytes.length < 8 ? undefined : Number(u64(bytes, 0));

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  putU32(bytes, 0, value);
  return bytes;
}

const macText = (bytes: Buffer | undefined): string => bytes?.toString('hex').match(/../g)?.join(':') ?? '';
