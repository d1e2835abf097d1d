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
import { canReplaceFiles, within } from '../kit/resolv-conf.ts';

/** Only used by this test, so that port 53 is free. */
const NAME_SERVER = '127.0.0.77';
const CYCLES = 60;
/** How much later a push by name may be than one by address, in addition to the difference of two pushes by address. */
const LATER_MS = 50;
/** getaddrinfo runs in four threads, of which Node gives it two. */
const SILENT = 4;

test('exporters whose name server does not respond do not delay the pushes of another', {
  timeout: 180_000,
}, async (t) => {
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
  // Each connection resolves the name again.
  server.ttl = 0;
  const [byName, byAddress, control] = await Promise.all([startReceiver(t), startReceiver(t), startReceiver(t)]);
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
      control: { ...type, url: `http://127.0.0.1:${control.port}` },
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
  // The same batch at the same moment from the same process: they differ only in the name.
  const later = differences(byName, byAddress);
  const noise = differences(control, byAddress).map(Math.abs).sort(byValue);
  const asked = (name: string) => server.questions.filter((question) => question.endsWith(name)).length;
  t.diagnostic(
    `${later.length} batches: p50 ${ms(p50(later))} later, p99 ${ms(p99(later))}, worst ${ms(later.at(-1))}; two addresses differ by p50 ${ms(p50(noise))}, p99 ${ms(p99(noise))}`,
  );
  assert.ok(later.length >= 2 * CYCLES - 2, `${later.length} batches arrived at both`);
  assert.ok(asked('named.example') >= CYCLES, 'each cycle resolved the name');
  for (const name of silent) assert.ok(asked(name) > 0, `${name} was resolved`);
  assert.ok(p50(later) < LATER_MS + p50(noise), 'half of them');
  assert.ok(p99(later) < LATER_MS + p99(noise), '99 of 100');
  // The first wait for an unresponsive name server takes a second.
  assert.ok((later.at(-1) ?? Number.NaN) < 900, `none waited for a name server; worst ${later.at(-1)} ms`);
  assert.match(agent.stderr(), /silent-0\.example: no response from a name server \(127\.0\.0\.77/);
});

const byValue = (one: number, other: number) => one - other;
const p50 = (sorted: readonly number[]) => sorted[sorted.length >> 1] ?? Number.NaN;
const p99 = (sorted: readonly number[]) => sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
const ms = (value = Number.NaN) => `${value.toFixed(1)} ms`;

/** How much later each batch arrived at one receiver than at another, the smallest first. */
const differences = (one: Receiver, other: Receiver): number[] =>
  [...one.arrivals]
    .map(([body, atMs]) => atMs - (other.arrivals.get(body) ?? Number.NaN))
    .filter((difference) => !Number.isNaN(difference))
    .sort(byValue);

interface Receiver {
  readonly port: number;
  readonly arrivals: ReadonlyMap<string, number>;
}

/** Accepts everything, and closes each connection; records arrival times of batches by job and number, as URLs do not change. */
async function startReceiver(t: TestContext): Promise<Receiver> {
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
