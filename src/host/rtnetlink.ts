// Objects that the kernel reports over NETLINK_ROUTE: rtnetlink(7),
// include/uapi/linux/{rtnetlink,if_link,if_addr,neighbour}.h. Payload decoders.
import { nulTerminated, putU32, u16, u32 } from './native.ts';
import { attribute, attributes, encodeAttribute } from './netlink.ts';
import type { DumpKind, Netlink } from './netlink-socket.ts';

const NETLINK_ROUTE = 0;
const AF_INET = 2;

/** A dump of NETLINK_ROUTE; the first byte of the header, a struct of that size, selects the address family. */
function routeDump(type: number, headerBytes: number, addressFamily = 0): DumpKind {
  const header = Buffer.alloc(headerBytes);
  header[0] = addressFamily;
  return { family: NETLINK_ROUTE, type, header };
}

/** Half of a device's message consists of counters, which the kernel has to sum over all CPUs. */
function withoutStatistics(kind: DumpKind): DumpKind {
  const IFLA_EXT_MASK = 29;
  const RTEXT_FILTER_SKIP_STATS = 8;
  const mask = Buffer.alloc(4);
  putU32(mask, 0, RTEXT_FILTER_SKIP_STATS);
  return { ...kind, header: Buffer.concat([kind.header, encodeAttribute(IFLA_EXT_MASK, mask)]) };
}

/** All network devices. */
export const LINKS = routeDump(18, 16);
const LINK_NAMES = withoutStatistics(LINKS);
/** The addresses of all devices. */
export const ADDRESSES = routeDump(22, 8);
/** The routes of all tables and address families. */
export const ROUTES = routeDump(26, 12);
/** The IPv4 neighbours, from ARP. */
export const IPV4_NEIGHBOURS = routeDump(30, 12, AF_INET);
/** The queueing disciplines of all devices. */
export const QDISCS = routeDump(38, 20);

/** A network device. */
interface Link {
  readonly index: number;
  readonly name: string;
  /** Its alternative names. */
  readonly alternativeNames: readonly string[];
  /** struct rtnl_link_stats64, in its order; shorter on old kernels. */
  readonly statistics: BigUint64Array;
}

const IFINFOMSG_BYTES = 16;
const IFLA_IFNAME = 3;
const IFLA_STATS64 = 23;
const IFLA_PROP_LIST = 52;
const IFLA_ALT_IFNAME = 53;

/** Decodes a payload of RTM_NEWLINK: struct ifinfomsg and attributes. */
export function decodeLink(payload: Buffer): Link {
  return {
    index: u32(payload, 4),
    name: nulTerminated(attribute(payload, IFINFOMSG_BYTES, IFLA_IFNAME) ?? Buffer.alloc(0)),
    alternativeNames: attributes(attribute(payload, IFINFOMSG_BYTES, IFLA_PROP_LIST), IFLA_ALT_IFNAME).map(
      nulTerminated,
    ),
    statistics: words64(attribute(payload, IFINFOMSG_BYTES, IFLA_STATS64)),
  };
}

/** The names of all devices by index. */
export function linkNames(netlink: Netlink): Map<number, string> {
  const names = new Map<number, string>();
  netlink.dump(LINK_NAMES, (payload) => {
    const { index, name } = decodeLink(payload);
    names.set(index, name);
  });
  return names;
}

/** Attributes are aligned to four bytes only, typed arrays to eight: a copy. */
function words64(bytes: Buffer | undefined): BigUint64Array {
  const words = new BigUint64Array((bytes?.length ?? 0) >> 3);
  bytes?.copy(new Uint8Array(words.buffer));
  return words;
}

/** An address of a device. */
interface DeviceAddress {
  /** Index of its device. */
  readonly link: number;
  readonly prefixLength: number;
  /** 4 or 16 bytes. */
  readonly bytes: Buffer;
}

const IFADDRMSG_BYTES = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;

/** Decodes a payload of RTM_NEWADDR: struct ifaddrmsg and attributes; undefined for one without address. */
export function decodeAddress(payload: Buffer): DeviceAddress | undefined {
  // On point-to-point devices IFA_ADDRESS is the other end.
  const bytes = attribute(payload, IFADDRMSG_BYTES, IFA_LOCAL) ?? attribute(payload, IFADDRMSG_BYTES, IFA_ADDRESS);
  return bytes && { link: u32(payload, 4), prefixLength: payload[1] ?? 0, bytes };
}

/** An entry of the neighbour table. */
interface Neighbour {
  /** Index of its device. */
  readonly link: number;
  /** NUD_* bits. */
  readonly state: number;
}

/** Decodes a payload of RTM_NEWNEIGH: struct ndmsg. */
export const decodeNeighbour = (payload: Buffer): Neighbour => ({ link: u32(payload, 4), state: u16(payload, 8) });
