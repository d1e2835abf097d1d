import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { scrapeSection } from '../../src/config/scrape-schema.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';
import { ScrapeRole } from '../../src/scrape/role.ts';
import { samplesIn } from '../kit/lines.ts';
import { webServer } from '../kit/probe-servers.ts';
import { until } from '../kit/until.ts';

const LINES = 4000;

test('targets are counted by state, and samples that do not fit before the next push as dropped', async (t) => {
  // More than scrape.limits.pending when compressed.
  const page = Array.from({ length: LINES }, (_, index) => `a{b="${randomBytes(20).toString('hex')}"} ${index}\n`).join(
    '',
  );
  const port = await webServer(t, (_, response) => response.end(page));
  const closed = await webServer(t, (_, response) => response.socket?.destroy());
  const urls = [port, closed].map((each) => `http://127.0.0.1:${each}/metrics`);
  const settings = scrapeSection.parse({
    interval: '1s',
    timeout: '1s',
    limits: { pending: '64KiB', targets: 2 },
    targets: [{ job: 'it', urls: [...urls, 'http://127.0.0.1:1/metrics'] }],
  });
  const role = new ScrapeRole(settings, {
    ...{ log: createLog('silent'), now: Date.now, cluster: '', node: 'n1', ownPod: '', pushed: new Set<string>() },
  });
  const registry = new AgentRegistry();
  registry.attach([role.scope]);
  const own = async () => samplesIn(await registry.metrics()).filter((line) => line.startsWith('firesteel_scrape_'));
  assert.ok((await own()).includes('firesteel_scrape_dropped_samples_total 0'));
  role.start();
  t.after(() => role.stop());
  await until(async () => (await own()).some((line) => line === `firesteel_scrape_dropped_samples_total ${LINES}`));
  await until(async () => (await own()).includes('firesteel_scrape_targets{state="down"} 1'));
  const found = await own();
  for (const line of [
    'firesteel_scrape_targets{state="up"} 1',
    'firesteel_scrape_targets{state="waiting"} 0',
    'firesteel_scrape_targets{state="left_out"} 1',
  ]) {
    assert.ok(found.includes(line), found.join('\n'));
  }
});
