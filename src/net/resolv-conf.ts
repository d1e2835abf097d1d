import { isIP } from 'node:net';

/** The settings of resolv.conf(5). */
export interface ResolvConf {
  readonly servers: readonly string[];
  /** Domains appended to names with few dots. */
  readonly search: readonly string[];
  /** A name with at least this many dots is first tried unchanged. */
  readonly ndots: number;
}

/** The C library's limits. */
const MAX_SERVERS = 3;
const MAX_NDOTS = 15;
/** The C library no longer has a limit. Each domain costs a query. */
const MAX_DOMAINS = 32;

/** Parses resolv.conf. Unknown lines are ignored, as in the C library. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let search: string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [keyword = '', ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'nameserver' && isIP(values[0] ?? '') !== 0) servers.push(values[0] ?? '');
    // The last of the two applies.
    else if (keyword === 'search' || keyword === 'domain') search = values.slice(0, MAX_DOMAINS);
    else if (keyword === 'options') {
      const found = values.map((value) => /^ndots:(\d+)$/.exec(value)?.[1]).find((value) => value !== undefined);
      if (found !== undefined) ndots = Math.min(Number(found), MAX_NDOTS);
    }
  }
  return {
    servers: servers.length === 0 ? ['127.0.0.1'] : servers.slice(0, MAX_SERVERS),
    search: search.map((domain) => domain.replace(/\.$/, '')).filter((domain) => domain !== ''),
    ndots,
  };
}

/** The names to query, in order: with the search list, unless `name` ends with a dot. */
export function candidates(name: string, { search, ndots }: Pick<ResolvConf, 'search' | 'ndots'>): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const dots = name.split('.').length - 1;
  const longer = search.map((domain) => `${name}.${domain}`);
  return dots >= ndots ? [name, ...longer] : [...longer, name];
}
