import { BlockList, isIP } from 'node:net';
import { isLoopback } from '../base/loopback.ts';

/** A forward proxy. */
export interface ForwardProxy {
  /** As in the environment, including credentials; for connecting only. */
  readonly url: URL;
  /** Human-readable, without credentials. */
  readonly shown: string;
  /** The variable that names it. */
  readonly variable: string;
}

/** The environment names an unusable proxy. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/**
 * The proxy for `target` from the environment, selected like in Go programs (golang.org/x/net/http/httpproxy):
 * HTTPS_PROXY for https, HTTP_PROXY for http, each also in lower case; never for this host itself. NO_PROXY contains
 * addresses, networks (10.0.0.0/8), domains including their subdomains, `.domain` for subdomains only, each optionally
 * with a port, and `*`. Throws {@link ProxyError}.
 */
export function proxyFor(target: URL, env: NodeJS.ProcessEnv): ForwardProxy | undefined {
  const names = target.protocol === 'https:' ? ['HTTPS_PROXY', 'https_proxy'] : ['HTTP_PROXY', 'http_proxy'];
  const variable = names.find((name) => (env[name] ?? '') !== '');
  if (variable === undefined || isDirect(target, env.NO_PROXY || env.no_proxy || '')) return undefined;
  const url = proxyUrl((env[variable] ?? '').trim());
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const found = url ? `found ${url.protocol}//` : 'it is not a URL';
    throw new ProxyError(`${variable}: expected a proxy such as http://proxy:3128; ${found}`);
  }
  return { url, shown: `${url.protocol}//${url.host}`, variable };
}

/** `host:port` without a scheme means http://. */
function proxyUrl(text: string): URL | undefined {
  for (const candidate of /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? [text] : [`http://${text}`]) {
    const url = URL.canParse(candidate) ? new URL(candidate) : undefined;
    if (url && url.hostname !== '') return url;
  }
  return undefined;
}

/** Whether `target` is this host, or listed in NO_PROXY. */
function isDirect(target: URL, noProxy: string): boolean {
  const host = bare(target.hostname).replace(/\.$/, '');
  const port = target.port || (DEFAULT_PORTS[target.protocol] ?? '');
  if (host === 'localhost' || isLoopback(host)) return true;
  return noProxy
    .toLowerCase()
    .split(/[,\s]+/)
    .some((entry) => entry !== '' && matches(entry, host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const network = /^(.+)\/(\d{1,3})$/.exec(entry);
  if (network) return isWithin(host, bare(network[1] ?? ''), Number(network[2]));
  const { name, port: only } = splitPort(entry);
  if (only !== undefined && only !== port) return false;
  if (isIP(name) !== 0) return isWithin(host, name, isIP(name) === 4 ? 32 : 128);
  if (isIP(host) !== 0) return false;
  const domain = name.replace(/^\*(?=\.)/, '').replace(/\.$/, '');
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
}

/** `name:80`, `[::1]:80`, `::1`: an IPv6 address with a port has brackets. */
function splitPort(entry: string): { name: string; port?: string } {
  if (isIP(entry) === 6) return { name: entry };
  const match = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry);
  return match ? { name: bare(match[1] ?? ''), port: match[2] ?? '' } : { name: bare(entry) };
}

const bare = (host: string): string => host.toLowerCase().replace(/^\[(.*)\]$/, '$1');

/** Whether `host` is an address in that network. An IPv4 address may be written as an IPv6 address. */
function isWithin(host: string, network: string, bits: number): boolean {
  const family = isIP(host);
  const networkFamily = isIP(network);
  if (family === 0 || networkFamily === 0 || bits > (networkFamily === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, bits, networkFamily === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
