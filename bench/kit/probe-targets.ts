// The targets of the probes benchmark, in a separate process: a plain web server and one with TLS.
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { fileURLToPath } from 'node:url';

/** Messages of this process to its parent. */
export interface ProbeTargets {
  readonly plain: string;
  readonly tls: string;
  readonly caFile: string;
}

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../test/fixtures/probe-tls/${name}`, import.meta.url));

const answer: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' }).end('all is well\n');
};

const listen = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });

const plain = await listen(createServer(answer));
const tls = await listen(
  createTlsServer({ cert: readFileSync(fixture('server.crt')), key: readFileSync(fixture('server.key')) }, answer),
);
process.send?.({
  plain: `http://127.0.0.1:${plain}/`,
  tls: `https://127.0.0.1:${tls}/`,
  caFile: fixture('ca.crt'),
} satisfies ProbeTargets);
