import { networkInterfaces } from 'node:os';
import { errorText } from '../../base/error-text.ts';
import { type Address, literalAddress } from '../../net/literal-address.ts';
import type { TaskWorld } from '../task-type.ts';
import { ProbeFailure } from './failure.ts';
import type { ProbeOptions } from './options.ts';

/** Maximum addresses of one name that are probed with `addresses: all`. */
export const MAX_ADDRESSES = 16;

/** The result of resolving a name. */
export interface Resolved {
  /** Preferred ones first; addresses of an unwanted family are excluded. */
  readonly addresses: readonly Address[];
  /** Number of addresses of the name, by family. */
  readonly ip4: number;
  readonly ip6: number;
}

/**
 * The addresses of `host` that may be probed, resolved again each time. Rejects with ProbeFailure: `resolve` when there
 * is none, `denied` when any of them is in a denied range.
 */
export async function resolveTarget(
  host: string,
  { ip, fallback }: Pick<ProbeOptions, 'ip' | 'fallback'>,
  { names, denied }: Pick<TaskWorld, 'names' | 'denied'>,
  signal: AbortSignal,
): Promise<Resolved> {
  const found = await lookUp(host, names, signal);
  for (const { address } of found) {
    try {
      denied.check(address, host);
    } catch (cause) {
      throw new ProbeFailure('denied', errorText(cause), { cause });
    }
  }
  const [ip4, ip6] = [found.filter(({ family }) => family === 4), found.filter(({ family }) => family === 6)];
  const wants6 = ip === 'ip6' || (ip === 'auto' && prefers6(ip6));
  const [preferred, other] = wants6 ? [ip6, ip4] : [ip4, ip6];
  const addresses = fallback ? [...preferred, ...other] : preferred;
  if (addresses.length === 0) {
    throw new ProbeFailure('resolve', `${host} has no address of ${wants6 ? 'IPv6' : 'IPv4'}, and fallback is false`);
  }
  return { addresses, ip4: ip4.length, ip6: ip6.length };
}

async function lookUp(host: string, names: TaskWorld['names'], signal: AbortSignal): Promise<Address[]> {
  const literal = literalAddress(host);
  if (literal) return [literal];
  if (host === '' || /[\s/@\\]/.test(host))
    throw new ProbeFailure('resolve', `${JSON.stringify(host)} is not a host name`);
  const found = await unlessAborted(names.resolve(host, { fresh: true }), signal);
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
}

/** IPv6 is only usable with a source address; every host has one for loopback. */
function prefers6(addresses: readonly Address[]): boolean {
  if (addresses.some(({ address }) => address === '::1')) return true;
  if (addresses.length === 0) return false;
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .some(({ family, internal, address }) => family === 'IPv6' && !internal && !address.startsWith('fe80:'));
}

/** Settles like `promise`, or rejects with the reason of `signal`, whichever is first. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
