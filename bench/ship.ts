import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { journalEntry, journalWriter } from './kit/journal-maker.ts';
import { cpuMs, memoryMib, sleep, startAgent } from './kit/processes.ts';

const ENTRIES = 400_000;
const PER_SECOND = 20_000;
const SECONDS = 10;
const IDLE_SECONDS = 20;
/** The image's options for Node. */
const AS_IMAGE = ['--max-semi-space-size=1'];
const CURSOR = '__CURSOR=';

/** Shipping a journal at 20,000 entries a second, limited by the receiver, and an idle source, compared to an agent without. */
export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-bench-ship-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const writer = journalWriter(join(folder, 'bench.journal'));
  const startUs = Date.now() * 1000;
  for (let from = 0; from < ENTRIES; from += 500) {
    const some = Array.from({ length: 500 }, (_, index) => journalEntry(from + index, startUs + from + index));
    await writer.write(some.join(''));
  }
  await writer.end();
  const receiver = await startReceiver();
  const off = ['container', 'process', 'node'].flatMap((group) => ['--set', `collectors.${group}.enabled=false`]);
  const flags = [...off, '--log.level', 'error', '--push.interval', '5s', '--http.listen', '127.0.0.1:0'];
  const exporter = JSON.stringify({ type: 'journald', url: receiver.url });
  const journal = JSON.stringify({ enabled: true, start: 'oldest', paths: [folder] });
  const shipping = ['--set', `exporters.store=${exporter}`, '--set', `logs.journal=${journal}`];
  const without = await startAgent(undefined, flags, AS_IMAGE);
  const spool = ['--set', `spool.path=${join(folder, 'spool')}`];
  const agent = await startAgent(undefined, [...flags, ...shipping, ...spool], AS_IMAGE);
  while (receiver.entries < PER_SECOND) await sleep(50);
  const since = { entries: receiver.entries, bytes: receiver.bytes, at: performance.now() };
  const before = [cpuMs(without.pid), cpuMs(agent.pid)] as const;
  await sleep(SECONDS * 1000);
  const used = cpuMs(agent.pid) - before[1] - (cpuMs(without.pid) - before[0]);
  const wall = performance.now() - since.at;
  const entries = receiver.entries - since.entries;
  const size = (receiver.bytes - since.bytes) / entries;
  const perSecond = Math.round((entries * 1000) / wall);
  console.log(
    `${((used / wall) * 100).toFixed(1)} % of a core at ${perSecond} entries a second of ${size.toFixed(0)} bytes: ${((used * 1000) / entries).toFixed(1)} us an entry`,
  );
  const [less, more] = [memoryMib(without.pid), memoryMib(agent.pid)];
  console.log(`RSS ${more.rss.toFixed(1)} MiB, ${(more.rss - less.rss).toFixed(1)} MiB more than an agent without`);
  console.log(`peak ${more.peak.toFixed(1)} MiB, ${(more.peak - less.peak).toFixed(1)} MiB more`);
  while (receiver.entries < ENTRIES) await sleep(100);
  await sleep(3000);
  const idle = [cpuMs(without.pid), cpuMs(agent.pid)] as const;
  await sleep(IDLE_SECONDS * 1000);
  const more2 = cpuMs(agent.pid) - idle[1] - (cpuMs(without.pid) - idle[0]);
  console.log(`${((more2 / IDLE_SECONDS / 1000) * 100).toFixed(2)} % of a core more while there is nothing to ship`);
  await Promise.all([without.end(), agent.end()]);
  receiver.close();
}

/** A receiver of the protocol that accepts no more than the rate. */
async function startReceiver() {
  const receiver = { url: '', entries: 0, bytes: 0, close: () => server.close() };
  let startedAt: number | undefined;
  const server = createServer(async (request, response) => {
    startedAt ??= performance.now();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    receiver.bytes += body.length;
    for (let at = body.indexOf(CURSOR); at !== -1; at = body.indexOf(CURSOR, at + 100)) receiver.entries++;
    const early = startedAt + (receiver.entries * 1000) / PER_SECOND - performance.now();
    if (early > 0) await sleep(early);
    response.writeHead(202).end('OK.');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return receiver;
}
