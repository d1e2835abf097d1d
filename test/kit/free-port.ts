import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';

/** Lower ports are those of well-known services. */
const FIRST = 10_000;
const LAST = 65_535;
const TRIES = 200;

/** The ports that the kernel assigns to outgoing connections and to servers on port 0; the default if unreadable. */
function ephemeralPorts(): readonly [first: number, last: number] {
  try {
    const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/).map(Number);
    const [first = Number.NaN, last = Number.NaN] = range;
    if (first > 0 && last >= first) return [first, last];
  } catch {
    // According to the kernel's documentation.
  }
  return [32_768, 60_999];
}

/** Ports that the kernel does not assign; all ports if it may assign any. */
export function portsOutside([first, last]: readonly [number, number]): number[] {
  const all = Array.from({ length: LAST - FIRST + 1 }, (_, index) => FIRST + index);
  const outside = all.filter((port) => port < first || port > last);
  return outside.length >= 1000 ? outside : all;
}

/**
 * A free port of 127.0.0.1, for a server whose port must be known before it is started. It stays reserved for the caller
 * until this process ends:
 * - an abstract Unix socket with the port number in its name excludes other test processes;
 * - a connection that is bound to it prevents the kernel from assigning it (ports with an explicit bind are not used for
 *   outgoing connections or for listening on port 0), while a server with SO_REUSEADDR, which all set, may listen.
 */
export async function freePort(): Promise<number> {
  const ports = portsOutside(ephemeralPorts());
  for (let tries = 0; tries < TRIES; tries++) {
    const port = ports[Math.floor(Math.random() * ports.length)] as number;
    if (await reserve(port)) return port;
  }
  throw new Error(`no free port in ${TRIES} attempts`);
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

/** Keeps a connection open that has `port` as its local port. */
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
