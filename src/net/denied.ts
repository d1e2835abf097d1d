import { BlockList, isIP } from 'node:net';
import { addressBytes, embeddedIp4 } from './literal-address.ts';

/** Connections to this address are denied. */
class DeniedAddress extends Error {
  override readonly name = 'DeniedAddress';
  readonly code = 'EACCES';
}

/** An address range `ADDRESS/BITS`, or one address. Undefined for any other text. */
export function parseRange(text: string): { readonly address: string; readonly bits: number } | undefined {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0 || address.includes('%')) return undefined;
  const most = family === 4 ? 32 : 128;
  if (bits === undefined) return { address, bits: most };
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most ? { address, bits: Number(bits) } : undefined;
}

/** Address ranges that tasks must not connect to. Names are checked after they are resolved, never by their text. */
export class DeniedAddresses {
  readonly #ranges: readonly { readonly text: string; readonly list: BlockList; readonly setting: string }[];

  /**
   * `ranges` are texts that {@link parseRange} accepts, and `inner` those that are denied only where
   * taskRunner.allowFromApi does not have the type of the task. Throws for others.
   */
  constructor(ranges: readonly string[], inner: readonly string[] = []) {
    this.#ranges = [...ranges, ...inner].map((text, index) => {
      const range = parseRange(text);
      if (range === undefined) throw new Error(`${text} is not an address range such as 169.254.0.0/16`);
      const list = new BlockList();
      list.addSubnet(range.address, range.bits, isIP(range.address) === 4 ? 'ipv4' : 'ipv6');
      return { text, list, setting: index < ranges.length ? 'taskRunner.denyAddresses' : 'taskRunner.allowFromApi' };
    });
  }

  /** The range that denies an address, or the IPv4 address embedded in an IPv6 address. */
  #denying(address: string) {
    // A zone names an interface and is not part of the address.
    const bare = address.replace(/%.*$/, '');
    const family = isIP(bare);
    if (family === 0) return undefined;
    const all = family === 4 ? [bare] : [bare, ...embeddedIp4(addressBytes({ address: bare, family: 6 }))];
    return this.#ranges.find(({ list }) => all.some((one) => list.check(one, isIP(one) === 4 ? 'ipv4' : 'ipv6')));
  }

  /** Throws {@link DeniedAddress} for a denied address. `name` is the name that it was resolved from. */
  check(address: string, name?: string): void {
    const range = this.#denying(address);
    if (range === undefined) return;
    const from = name === undefined || name === address ? address : `${name} (${address})`;
    throw new DeniedAddress(`${from} is in the denied range ${range.text}: see ${range.setting}`);
  }
}
