import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';

/** Below it lie the ports of well-known services. */
const FIRST = 10_000;
const LAST = 65_535;
const TRIES = 200;

/** The ports that the kernel gives to outgoing connections and to servers that ask for any port; the default when unreadable. */
function ephemeralPorts(): readonly [first: number, last: number] {
  try {
    const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/).map(Number);
    const [first = Number.NaN, last = Number.NaN] = range;
    if (first > 0 && last >= first) return [first, last];
  } catch {
    // As of the kernel's documentation.
  }
  return [32_768, 60_999];
}

/** Ports that the kernel does not give to others; all of them when it may give any. */
export function portsOutside([first, last]: readonly [number, number]): number[] {
  const all = Array.from({ length: LAST - FIRST + 1 }, (_, index) => FIRST + index);
  const outside = all.filter((port) => port < first || port > last);
  return outside.length >= 1000 ? outside : all;
}

/**
 * A free port of 127.0.0.1, for a server that others have to know before it is started. It stays reserved for the caller
 * until this process ends:
 * - an abstract Unix socket with the port's number in its name keeps other test processes away;
 * - a connection that is bound to it keeps the kernel from giving it to anybody else (ports with an explicit bind are not
 *   used for outgoing connections or for listening at port 0), while a server with SO_REUSEADDR, as all have, may listen.
 */
export async function freePort(): Promise<number> {
  const ports = portsOutside(ephemeralPorts());
  for (let tries = 0; tries < TRIES; tries++) {
    const port = ports[Math.floor(Math.random() * ports.length)] as number;
    if (await reserve(port)) return port;
  }
  throw new Error(`no free port in ${TRIES} tries`);
}

async function reserve(port: number): Promise<boolean> {
  const claim = createServer();
  if (!(await listens(claim, { path: `\0firesteel-test-port-${port}` }))) return false;
  claim.unref();
  const probe = createServer();
  if (!(await listens(probe, { port, host: '127.0.0.1' }))) {
    claim.close();
    return false;
  }
  await new Promise((resolve) => probe.close(resolve));
  return holds(port);
}

/** Keeps a connection with `port` as its own end open. */
async function holds(port: number): Promise<boolean> {
  const holder = createServer((socket) => socket.unref());
  if (!(await listens(holder, { port: 0, host: '127.0.0.1' }))) return false;
  holder.unref();
  const socket = connect({ port: (holder.address() as AddressInfo).port, host: '127.0.0.1', localPort: port });
  const held = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.on('error', () => undefined).unref();
  return held;
}

const listens = (server: Server, where: object): Promise<boolean> =>
  once(server.listen(where), 'listening').then(
    () => true,
    () => false,
  );
