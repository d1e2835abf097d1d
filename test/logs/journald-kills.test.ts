import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startAgentProcess } from '../kit/agent.ts';
import { until } from '../kit/exporter.ts';
import { startFaultProxy } from '../kit/fault-proxy.ts';
import { JournalRemote } from '../kit/journal-remote.ts';
import { exportEntry, JournalWriter, START_US } from '../kit/journal-writer.ts';
import { randomFrom } from '../kit/random.ts';
import { samplesOf } from '../kit/samples.ts';
import { serverAvailable } from '../kit/servers.ts';

const ENTRIES = 50_000;
const KILLS = 20;
const BOOTS = ['a', 'b'].map((digit) => digit.repeat(32));
/** Four batches of a mebibyte, of entries that have more than 600 bytes each. */
const MOST_IN_FLIGHT = (4 * 1024 * 1024) / 600;

const bootOf = (number: number) => BOOTS[Math.floor((number * BOOTS.length) / ENTRIES)] ?? '';

function entries(from: number, to: number): string {
  let text = '';
  for (let number = from; number < to; number++) {
    const fields = { _BOOT_ID: bootOf(number), NUMBER: String(number) };
    text += exportEntry(number, fields, START_US);
  }
  return text;
}

test('entries survive an agent that is killed and a receiver that is down', async (context) => {
  if (!serverAvailable(context, 'systemd-journal-remote')) return;
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-ship-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const [source, target] = [join(folder, 'source'), join(folder, 'target')];
  mkdirSync(source);
  mkdirSync(target);
  const remote = await JournalRemote.start(context, target);
  const proxy = await startFaultProxy(remote.port);
  context.after(() => proxy.close());
  const writer = new JournalWriter(context, join(source, 'system.journal'));
  const config = join(folder, 'config.json');
  writeFileSync(
    config,
    JSON.stringify({
      http: { listen: '127.0.0.1:0' },
      collectors: Object.fromEntries(['node', 'container', 'process'].map((name) => [name, { enabled: false }])),
      spool: { path: join(folder, 'spool') },
      exporters: { remote: { type: 'journald', url: proxy.url } },
      logs: { journal: { enabled: true, paths: [source], start: 'oldest' } },
    }),
  );
  const random = randomFrom('kills');

  let written = 0;
  for (let life = 1; life <= KILLS; life++) {
    const next = Math.round((ENTRIES * life) / KILLS);
    await writer.write(entries(written, next));
    written = next;
    const hasPassed = Promise.withResolvers<void>();
    // Somewhere in the uploads of this life; each has about 1.6 MB to send.
    const enough = random.below(1_500_000);
    const before = proxy.exchanges.length;
    proxy.onPassed = () => {
      const passed = proxy.exchanges.slice(before).reduce((sum, exchange) => sum + exchange.passed, 0);
      if (passed > enough) hasPassed.resolve();
    };
    const agent = startAgentProcess(context, ['run', '--config', config]);
    await Promise.race([hasPassed.promise, delay(20_000, undefined, { ref: false })]);
    if (life === 7 || life === 14) {
      await proxy.down();
      await delay(1500);
      agent.child.kill('SIGKILL');
      await proxy.up();
    }
    agent.child.kill('SIGKILL');
    await agent.ended;
  }

  proxy.onPassed = () => undefined;
  const agent = startAgentProcess(context, ['run', '--config', config]);
  await agent.printed(/"http":"http[^"]+"/, 30_000);
  const url = /"http":"(http[^"]+)"/.exec(agent.stderr())?.[1] ?? '';
  const of = 'exporter="remote",source="journal"';
  await until(
    async () => {
      const page = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(10_000) });
      const samples = samplesOf(await page.text());
      const acked = samples.get('firesteel_logs_entries_total{exporter="remote",outcome="acked",source="journal"}');
      return acked !== undefined && samples.get(`firesteel_logs_lag_entries{${of}}`) === 0;
    },
    () => agent.stderr(),
    60_000,
  );
  await remote.stop();

  const last = new Map<string, number>();
  const seen = new Set<number>();
  const received = remote.received('NUMBER', '_BOOT_ID');
  for (const [text, boot = ''] of received) {
    const number = Number(text);
    assert.equal(boot, bootOf(number));
    if (seen.has(number)) continue;
    seen.add(number);
    assert.ok(number > (last.get(boot) ?? -1), `entry ${number} came after ${last.get(boot)}`);
    last.set(boot, number);
  }
  assert.equal(seen.size, ENTRIES);
  const duplicates = received.length - seen.size;
  context.diagnostic(`${duplicates} duplicates after ${KILLS} kills`);
  assert.ok(duplicates <= MOST_IN_FLIGHT * KILLS, `${duplicates} duplicates`);
});
