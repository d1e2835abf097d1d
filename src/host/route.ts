// Routes over NETLINK_ROUTE: rtnetlink(7), include/uapi/linux/rtnetlink.h. Pure.
import { addressText } from './ip-address.ts';
import { u16, u32 } from './native.ts';
import { attribute, NetlinkError } from './netlink.ts';

/** A next hop. */
interface NextHop {
  /** Index of the device; 0 for none. */
  readonly link: number;
  /** Address of the gateway; empty for none. */
  readonly gateway: string;
  /** Share among several next hops; undefined for the only one. */
  readonly weight: number | undefined;
}

/** A route. */
interface RouteEntry {
  readonly isUnicast: boolean;
  /** Prefix, or `default`. */
  readonly destination: string;
  /** Preferred source address; empty for none. */
  readonly source: string;
  readonly priority: number;
  /** Origin: RTPROT_*. */
  readonly protocol: number;
  readonly nextHops: readonly NextHop[];
}

const RTMSG_BYTES = 12;
const RTN_UNICAST = 1;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_MULTIPATH = 9;
const RTNEXTHOP_BYTES = 8;

/** Decodes a payload of RTM_NEWROUTE: struct rtmsg and attributes. */
export function decodeRoute(payload: Buffer): RouteEntry {
  const prefixLength = payload[1] ?? 0;
  const address = (type: number) => addressText(attribute(payload, RTMSG_BYTES, type) ?? Buffer.alloc(0));
  const number = (type: number) => u32(attribute(payload, RTMSG_BYTES, type) ?? ZERO, 0);
  const multipath = attribute(payload, RTMSG_BYTES, RTA_MULTIPATH);
  return {
    isUnicast: payload[7] === RTN_UNICAST,
    destination: prefixLength === 0 ? 'default' : `${address(RTA_DST)}/${prefixLength}`,
    source: address(RTA_PREFSRC),
    priority: number(RTA_PRIORITY),
    protocol: payload[5] ?? 0,
    nextHops: multipath
      ? decodeNextHops(multipath)
      : [{ link: number(RTA_OIF), gateway: address(RTA_GATEWAY), weight: undefined }],
  };
}

const ZERO = Buffer.alloc(4);

/** A list of struct rtnexthop, each with its attributes. */
function decodeNextHops(bytes: Buffer): NextHop[] {
  const nextHops: NextHop[] = [];
  for (let offset = 0; offset + RTNEXTHOP_BYTES <= bytes.length; ) {
    const length = u16(bytes, offset);
    if (length < RTNEXTHOP_BYTES || offset + length > bytes.length) {
      throw new NetlinkError(`a next hop of ${length} bytes at ${offset} of ${bytes.length}`);
    }
    const hop = bytes.subarray(offset, offset + length);
    const gateway = addressText(attribute(hop, RTNEXTHOP_BYTES, RTA_GATEWAY) ?? Buffer.alloc(0));
    nextHops.push({ link: u32(hop, 4), gateway, weight: (hop[3] ?? 0) + 1 });
    offset += (length + 3) & ~3;
  }
  return nextHops;
}

const PROTOCOLS: Readonly<Record<number, string>> = {
  0: 'unspec',
  1: 'redirect',
  2: 'kernel',
  3: 'boot',
  4: 'static',
  8: 'gated',
  9: 'ra',
  10: 'mrt',
  11: 'zebra',
  12: 'bird',
  13: 'dnrouted',
  14: 'xorp',
  15: 'ntk',
  16: 'dhcp',
  17: 'mrouted',
  42: 'babel',
  186: 'bgp',
  187: 'isis',
  188: 'ospf',
  189: 'rip',
  192: 'eigrp',
};

/** The name of a route's origin, `unknown` for numbers without one. */
export const routeProtocol = (protocol: number): string => PROTOCOLS[protocol] ?? 'unknown';
