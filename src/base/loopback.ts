import { BlockList, isIP } from 'node:net';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Whether `address` is a loopback address, in any notation of RFC 4291, and also an IPv4 one mapped to IPv6; without
 * brackets and zone. False for names.
 */
export function isLoopback(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && LOOPBACK.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** Where a server listens. */
export interface Bound {
  /** As configured: a name or an address without brackets; empty for all addresses. */
  readonly host: string;
  /** The address that `host` was resolved to. */
  readonly address: string;
}

/** Why a server refuses a Host header, undefined without one; undefined if it does not. */
export type HostCheck = (header: string | undefined) => string | undefined;

/**
 * The check of Host headers by a server. On a loopback address only names of this host are
 * accepted: otherwise a foreign web page could make its own name resolve to 127.0.0.1 and read the data served here.
 * What is bound decides, because loopback addresses have many notations.
 */
export function hostCheck({ host, address }: Bound): HostCheck {
  if (!isLoopback(address)) return () => undefined;
  const ownNames = ['localhost', host.toLowerCase()];
  return (header) => {
    const asked = header === undefined ? undefined : nameOf(header);
    return asked === undefined || ownNames.includes(asked) || isLoopback(asked)
      ? undefined
      : 'this server listens on a loopback address and accepts only requests for localhost and its address';
  };
}

/** The name or address in a Host header, without the port and brackets. */
const nameOf = (header: string): string =>
  header
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1');
