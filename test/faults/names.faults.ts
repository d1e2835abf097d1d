import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startAgentProcess } from '../kit/agent.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { startNameServer } from '../kit/name-server.ts';
import { canReplaceFiles, within } from './resolv-conf.ts';

/** Of this test's own, so that port 53 is free. */
const NAME_SERVER = '127.0.0.77';
const CYCLES = 60;
/** getaddrinfo runs in four threads, of which Node gives it two. */
const SILENT = 4;

test('exporters whose name server is silent do not delay the pushes of another', { timeout: 180_000 }, async (t) => {
  const folder = scratchFolder(t);
  const resolvConf = join(folder, 'resolv.conf');
  writeFileSync(resolvConf, `nameserver ${NAME_SERVER}\n`);
  if (!canReplaceFiles(t, resolvConf, NAME_SERVER)) return;
  const silent = Array.from({ length: SILENT }, (_, index) => `silent-${index}.example`);
  const server = await startNameServer(
    t,
    { 'named.example': { a: ['127.0.0.1'] }, ...Object.fromEntries(silent.map((name) => [name, 'silent'])) },
    NAME_SERVER,
    53,
  );
  // Each connection asks anew.
  server.ttl = 0;
  const [byName, byAddress] = await Promise.all([startReceiver(t), startReceiver(t)]);
  const type = { type: 'vmagent', compression: 'gzip' };
  const config = {
    node: 'worker-1',
    push: { interval: '1s', phase: '0s' },
    http: { enabled: false },
    collectors: { node: { include: ['loadavg'] }, container: { enabled: false }, process: { enabled: false } },
    exporters: {
      ...Object.fromEntries(silent.map((name, at) => [`silent${at}`, { ...type, url: `http://${name}:8428` }])),
      named: { ...type, url: `http://named.example:${byName.port}` },
      address: { ...type, url: `http://127.0.0.1:${byAddress.port}` },
    },
  };
  const file = join(folder, 'config.json');
  writeFileSync(file, JSON.stringify(config));
  const agent = startAgentProcess(t, ['run', '--config', file], {}, [], within(resolvConf));
  const deadline = performance.now() + 150_000;
  while (byName.arrivals.size < 2 * CYCLES && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  agent.child.kill('SIGTERM');
  assert.equal((await agent.ended).code, 0);
  // The same body at the same moment on the same machine: what differs is the name.
  const later = [...byName.arrivals]
    .map(([body, atMs]) => atMs - (byAddress.arrivals.get(body) ?? Number.NaN))
    .filter((ms) => !Number.isNaN(ms))
    .sort((one, other) => one - other);
  const p99 = later[Math.floor(later.length * 0.99) - 1] ?? Number.POSITIVE_INFINITY;
  const asked = (name: string) => server.questions.filter((question) => question.endsWith(name)).length;
  t.diagnostic(
    `${later.length} bodies: p50 ${later[later.length >> 1]} ms later, p99 ${p99} ms, worst ${later.at(-1)} ms`,
  );
  assert.ok(later.length >= 2 * CYCLES - 2, `${later.length} bodies came to both`);
  assert.ok(asked('named.example') >= CYCLES, 'each cycle asked for the name');
  for (const name of silent) assert.ok(asked(name) > 0, `${name} was asked for`);
  assert.ok(
    (later[later.length >> 1] ?? Number.NaN) < 50,
    'half of them within 50 ms; p99 too on a machine that is not busy',
  );
  // The first answer of a silent name server is waited for for a second.
  assert.ok((later.at(-1) ?? Number.NaN) < 900, `none waited for a name server; worst ${later.at(-1)} ms`);
  assert.match(agent.stderr(), /silent-0\.example: no answer from a name server \(127\.0\.0\.77/);
});

/** Takes all, and closes each connection; tells when each body came, by job and number: URLs are the same in all cycles. */
async function startReceiver(t: TestContext): Promise<{ port: number; arrivals: Map<string, number> }> {
  const arrivals = new Map<string, number>();
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const job = /\/job\/([^/]+)/.exec(request.url ?? '')?.[1] ?? '';
      const number = (counts.get(job) ?? 0) + 1;
      counts.set(job, number);
      arrivals.set(`${job} ${number}`, performance.now());
      response.writeHead(204, { connection: 'close' }).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, arrivals };
}
