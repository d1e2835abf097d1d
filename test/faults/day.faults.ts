import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startAgent } from '../../src/agent/agent.ts';
import { createLog } from '../../src/base/log.ts';
import { settingsSchema } from '../../src/commands/settings.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { realPause, simulateTime } from './simulated-time.ts';

const HOURS = Number(process.env.FAULTS_HOURS ?? 24);
const HOUR_S = 3600;
const INTERVAL_S = 60;
/** Simulated time advances in steps of this length. */
const STEP_MS = 5000;
const MIB = 2 ** 20;

/** The hours in which the receiver fails, and how; one outage is longer than the spool's maximum age. */
const TROUBLE: readonly { readonly from: number; readonly to: number; readonly kind: 'reset' | 'busy' | 'rejected' }[] =
  [
    { from: 2, to: 2.5, kind: 'reset' },
    { from: 3.5, to: 3.8, kind: 'busy' },
    { from: 5, to: 12, kind: 'reset' },
    { from: 14, to: 14.2, kind: 'rejected' },
    { from: 16, to: 16.5, kind: 'busy' },
  ];

/** Real time allowed for the work of a cycle. */
const AFTER_CYCLE_MS = 4;

/** Minutes at which no backlog of an outage remains, early and late in the day. */
const EARLY = [282, 288, 294];
const LATE = [HOURS * 60 - 36, HOURS * 60 - 18, HOURS * 60];

/**
 * Memory that V8 and Node hold between two measurements, above all for AbortSignal.any: in a loop of 4,000 cycles it grows by
 * 4 MiB over the first thousand, and then returns to its initial size.
 */
const ALLOWED_MIB = 4;

test('memory is flat over a day with outages', { timeout: 1_200_000 }, async (t) => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const startMs = Math.ceil(Date.now() / 60_000) * 60_000;
  const receiver = await startReceiver(() => (Date.now() - startMs) / 1000 / HOUR_S);
  const time = simulateTime(t, startMs);
  t.after(() => receiver.close());
  const config = settingsSchema.parse({
    node: 'worker-1',
    push: { interval: `${INTERVAL_S}s`, phase: '0s' },
    http: { enabled: false },
    collectors: {
      node: { include: ['cpu', 'loadavg', 'meminfo', 'netdev', 'stat', 'vmstat'] },
      container: { enabled: false },
      process: { enabled: false },
    },
    spool: { path: join(scratchFolder(t), 'spool') },
    exporters: {
      victoria: { type: 'vmagent', url: receiver.url },
      gateway: { type: 'pushgateway', url: `${receiver.url}/gateway` },
      witness: { type: 'vmagent', url: `${receiver.url}/witness` },
    },
  });
  const agent = await startAgent(config, {
    log: createLog('fatal'),
    now: Date.now,
    random: Math.random,
    env: {},
    loadConfig: () => config,
  });
  const memory = new Map<number, { heap: number; external: number }>();
  for (let minute = 1; minute <= HOURS * 60; minute++) {
    const before = receiver.witnessed();
    const endMs = startMs + minute * 60_000;
    while (Date.now() < endMs) await time.advance(Math.min(STEP_MS, endMs - Date.now()));
    await time.until(() => receiver.witnessed() > before);
    await realPause(AFTER_CYCLE_MS);
    if (minute % 60 !== 0 && ![...EARLY, ...LATE].includes(minute)) continue;
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    memory.set(minute, { heap: heapUsed / MIB, external: external / MIB });
  }
  time.end();
  await agent.stop();

  for (const [minute, { heap, external }] of memory) {
    t.diagnostic(`hour ${minute / 60}: heap ${heap.toFixed(1)} MiB, external ${external.toFixed(1)} MiB`);
  }
  const cycles = (HOURS * HOUR_S) / INTERVAL_S;
  t.diagnostic(`${receiver.witnessed()} cycles, ${receiver.taken()} bodies taken, ${receiver.refused()} refused`);
  assert.ok(receiver.witnessed() > cycles * 0.95, `${receiver.witnessed()} cycles of ${cycles}`);
  const mean = (minutes: readonly number[], part: 'heap' | 'external') =>
    minutes.reduce((sum, minute) => sum + (memory.get(minute)?.[part] ?? Number.NaN), 0) / minutes.length;
  for (const part of ['heap', 'external'] as const) {
    const grown = mean(LATE, part) - mean(EARLY, part);
    t.diagnostic(`${part}: ${grown.toFixed(2)} MiB more in the last hour than in hour 5`);
    assert.ok(grown < ALLOWED_MIB, `${part} grew by ${grown} MiB`);
  }
});

interface Receiver {
  readonly url: string;
  taken(): number;
  /** Cycles whose last batch has arrived at the witness. */
  witnessed(): number;
  refused(): number;
  close(): void;
}

/** Accepts everything, or fails as `TROUBLE` defines for the current hour. */
async function startReceiver(hour: () => number): Promise<Receiver> {
  let taken = 0;
  let refused = 0;
  let witnessed = 0;
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const at = path.startsWith('/witness') ? Number.NaN : hour();
    const kind = TROUBLE.find(({ from, to }) => at >= from && at < to)?.kind;
    if (kind === 'reset') {
      refused++;
      request.socket.destroy();
      return;
    }
    request.resume();
    request.on('end', () => {
      if (kind === undefined) taken++;
      else refused++;
      if (path.startsWith('/witness') && path.includes('/job/firesteel/')) witnessed++;
      const accepted = path.startsWith('/gateway') ? 200 : 204;
      const status = { busy: 503, rejected: 400 };
      response.writeHead(kind === undefined ? accepted : status[kind], { date: new Date().toUTCString() }).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken: () => taken,
    witnessed: () => witnessed,
    refused: () => refused,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
