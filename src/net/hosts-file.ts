import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';

/** The addresses of each name in hosts(5), in file order. Names are in lower case. */
export function parseHosts(text: string): Map<string, LookupAddress[]> {
  const hosts = new Map<string, LookupAddress[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*$/, '').trim().split(/\s+/);
    const family = isIP(address);
    if (family === 0) continue;
    for (const name of names) {
      const key = name.toLowerCase();
      const known = hosts.get(key);
      if (known) known.push({ address, family });
      else hosts.set(key, [{ address, family }]);
    }
  }
  return hosts;
}
