import type { LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { readFileSync, statSync } from 'node:fs';
import { isIP, type LookupFunction } from 'node:net';
import { type Clock, monotonicMs, sleep } from '../base/clock.ts';
import { errorCode, errorText } from '../base/error-text.ts';
import { dropFirstAdded } from '../base/first-added.ts';
import { parseHosts } from './hosts-file.ts';
import { candidates, parseResolvConf, type ResolvConf } from './resolv-conf.ts';

/** Environment of the resolver. Only tests change the defaults. */
export interface NamesWorld extends Pick<Clock, 'monotonicMs'> {
  readonly hostsFile: string;
  readonly resolvConfFile: string;
  /** Port of the name servers; normally 53. */
  readonly port: number;
  /** Timeout for one name with all its queries, milliseconds. */
  readonly deadlineMs: number;
  /** Maximum age of a cached answer, seconds, whatever its TTL: servers change addresses without regard to it. */
  readonly longestTtl: number;
  /** Maximum number of cached names. Above it, the oldest is evicted. */
  readonly mostNames: number;
}

const WORLD: NamesWorld = {
  hostsFile: '/etc/hosts',
  resolvConfFile: '/etc/resolv.conf',
  port: 53,
  deadlineMs: 4500,
  longestTtl: 300,
  mostNames: 64,
  monotonicMs,
};

/**
 * Timeout of the first query to one name server. c-ares doubles it with each attempt, and continues with the next
 * server.
 */
const ANSWER_MS = 1000;
const TRIES = 2;
/** How long to wait for IPv6 addresses when IPv4 addresses are present (RFC 8305, 3: 50 ms). */
const OTHER_FAMILY_MS = 50;
const MAX_FILE_BYTES = 1024 * 1024;

const LOCAL: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/** A name could not be resolved. `code` is that of getaddrinfo: ENOTFOUND, or EAI_AGAIN if a retry may help. */
class NameError extends Error {
  override readonly name = 'NameError';
  readonly code: 'ENOTFOUND' | 'EAI_AGAIN';

  constructor(code: NameError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Resolves names for one user: hosts file, search list, and the name servers of resolv.conf through c-ares. Each answer
 * is cached for its TTL. Node's own `lookup` calls getaddrinfo in a pool of four threads, so a name server that does
 * not respond for one name blocks all other names of the process. Modules of nsswitch.conf other than files and dns are
 * not supported.
 */
export class Names {
  readonly #world: NamesWorld;
  readonly #cache = new Map<string, { readonly addresses: readonly LookupAddress[]; readonly untilMs: number }>();
  readonly #asking = new Map<string, Promise<readonly LookupAddress[]>>();
  readonly #hosts: Reread<Map<string, LookupAddress[]>>;
  readonly #conf: Reread<ResolvConf>;
  readonly #closed = new AbortController();

  constructor(world: Partial<NamesWorld> = {}) {
    this.#world = { ...WORLD, ...world };
    this.#hosts = new Reread(this.#world.hostsFile, parseHosts);
    this.#conf = new Reread(this.#world.resolvConfFile, parseResolvConf);
  }

  /** For the `lookup` option of sockets and agents. */
  readonly lookup: LookupFunction = (name, options, callback) => {
    const { family = 0, all = false } = options;
    const wanted = family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : family;
    void this.resolve(name).then(
      (found) => {
        const addresses = found.filter((one) => wanted === 0 || one.family === wanted);
        const [first] = addresses;
        if (!first) callback(new NameError('ENOTFOUND', `${name} has no IPv${wanted} address`), '');
        else if (all) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (cause: NodeJS.ErrnoException) => callback(cause, ''),
    );
  };

  /**
   * The addresses of `name`, IPv4 first. An address resolves to itself. Rejects with {@link NameError}. `fresh`
   * bypasses the cache, to measure the response time of the name servers.
   */
  async resolve(name: string, { fresh = false } = {}): Promise<readonly LookupAddress[]> {
    const literal = isIP(name);
    if (literal !== 0) return [{ address: name, family: literal }];
    const key = name.toLowerCase();
    const bare = key.replace(/\.$/, '');
    const known = this.#hosts.value.get(bare);
    if (known) return known;
    if (bare === 'localhost' || bare.endsWith('.localhost')) return LOCAL;
    const kept = this.#cache.get(key);
    if (kept && !fresh && this.#world.monotonicMs() < kept.untilMs) return kept.addresses;
    // Concurrent connections share one query.
    const asking = this.#asking.get(key) ?? this.#ask(key);
    this.#asking.set(key, asking);
    try {
      return await asking;
    } finally {
      this.#asking.delete(key);
    }
  }

  /** Cancels the queries in progress. */
  close(): void {
    this.#closed.abort();
  }

  async #ask(name: string): Promise<readonly LookupAddress[]> {
    const { servers, ...rules } = this.#conf.value;
    const resolver = new Resolver({ timeout: ANSWER_MS, tries: TRIES });
    resolver.setServers(servers.map((server) => this.#serverText(server)));
    const end = () => resolver.cancel();
    const timer = setTimeout(end, this.#world.deadlineMs);
    this.#closed.signal.addEventListener('abort', end, { once: true });
    let failure: string | undefined;
    try {
      for (const candidate of candidates(name, rules)) {
        const answer = await ask(resolver, candidate);
        if (answer.addresses.length > 0) return this.#keep(name, answer);
        failure ??= answer.failure;
        if (answer.failure === 'ECANCELLED') break;
      }
    } finally {
      resolver.cancel();
      clearTimeout(timer);
      this.#closed.signal.removeEventListener('abort', end);
    }
    if (failure === undefined)
      throw new NameError('ENOTFOUND', `no name server can resolve ${name} (${servers.join(', ')})`);
    throw new NameError('EAI_AGAIN', `${name}: no response from a name server (${servers.join(', ')}: ${failure})`);
  }

  #keep(name: string, { addresses, ttlSeconds }: NameAnswer): readonly LookupAddress[] {
    const { monotonicMs, longestTtl, mostNames } = this.#world;
    this.#cache.delete(name);
    this.#cache.set(name, { addresses, untilMs: monotonicMs() + Math.min(ttlSeconds, longestTtl) * 1000 });
    dropFirstAdded(this.#cache, mostNames);
    return addresses;
  }

  #serverText(server: string): string {
    const { port } = this.#world;
    if (port === 53) return server;
    return server.includes(':') ? `[${server}]:${port}` : `${server}:${port}`;
  }
}

interface NameAnswer {
  readonly addresses: readonly LookupAddress[];
  readonly ttlSeconds: number;
  /** Set when the query failed: the name may have addresses. */
  readonly failure?: string;
}

/** Queries both families of one name concurrently. Never rejects. */
async function ask(resolver: Resolver, name: string): Promise<NameAnswer> {
  const of = async (family: 4 | 6): Promise<NameAnswer> => {
    try {
      const records =
        family === 4 ? await resolver.resolve4(name, { ttl: true }) : await resolver.resolve6(name, { ttl: true });
      return {
        addresses: records.map(({ address }) => ({ address, family })),
        ttlSeconds: Math.min(...records.map(({ ttl }) => ttl)),
      };
    } catch (cause) {
      const code = errorCode(cause) ?? errorText(cause);
      // The name has no such address, or does not exist.
      const isAnswer = code === 'ENODATA' || code === 'ENOTFOUND' || code === 'EBADNAME';
      return { addresses: [], ttlSeconds: Number.POSITIVE_INFINITY, ...(!isAnswer && { failure: code }) };
    }
  };
  const sixth = of(6);
  const fourth = await of(4);
  // Some servers do not respond to AAAA. Available addresses must not wait for that.
  const late: NameAnswer = { addresses: [], ttlSeconds: Number.POSITIVE_INFINITY };
  const other =
    fourth.addresses.length === 0 ? await sixth : await Promise.race([sixth, sleep(OTHER_FAMILY_MS).then(() => late)]);
  const failure = fourth.failure ?? other.failure;
  return {
    addresses: [...fourth.addresses, ...other.addresses],
    ttlSeconds: Math.min(fourth.ttlSeconds, other.ttlSeconds),
    ...(failure !== undefined && { failure }),
  };
}

/** A parsed system file, which is reread when it has changed. Treated as empty when unreadable. */
class Reread<T> {
  readonly #path: string;
  readonly #parse: (text: string) => T;
  #stamp: string | undefined;
  #value: T;

  constructor(path: string, parse: (text: string) => T) {
    this.#path = path;
    this.#parse = parse;
    this.#value = parse('');
  }

  get value(): T {
    const { stamp, isUsable } = this.#stat();
    if (stamp === this.#stamp) return this.#value;
    this.#value = this.#parse(isUsable ? readFileSync(this.#path, 'utf8') : '');
    this.#stamp = stamp;
    return this.#value;
  }

  #stat(): { stamp: string; isUsable: boolean } {
    try {
      const file = statSync(this.#path);
      const isUsable = file.isFile() && file.size <= MAX_FILE_BYTES;
      return { isUsable, stamp: isUsable ? `${file.mtimeMs}/${file.size}/${file.ino}` : '' };
    } catch {
      return { isUsable: false, stamp: '' };
    }
  }
}
