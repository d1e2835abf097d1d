import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Below it lie the ports of well-known services. */
const FIRST = 10_000;

/** Where the kernel begins to take the ports of outgoing connections and of servers that ask for any port. */
function ephemeralStart(): number {
  try {
    const [first] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t');
    return Number(first) > FIRST + 1000 ? Number(first) : 32_768;
  } catch {
    return 32_768;
  }
}

/**
 * A free port of 127.0.0.1, for a server that others have to know before it is started. It is below the range of ephemeral
 * ports: the kernel gives those to any other socket at any time, also between this call and the start of the server.
 */
export async function freePort(): Promise<number> {
  const end = ephemeralStart();
  for (let tries = 0; tries < 100; tries++) {
    const port = FIRST + Math.floor(Math.random() * (end - FIRST));
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  throw new Error(`no free port from ${FIRST} to ${end}`);
}
