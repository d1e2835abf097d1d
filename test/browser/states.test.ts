import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { StatusView } from '../../src/http/status-view.ts';
import { lookAt, openPage, startBrowser } from '../kit/browser.ts';
import { startFakeApi } from '../kit/fake-api-server.ts';
import { freePort } from '../kit/free-port.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { VictoriaLogsStore } from '../kit/log-stores/victorialogs.ts';
import { giveToken, LIMIT, openAgentPage, TOKEN } from '../kit/page-agent.ts';
import { loadRecordedCluster } from '../kit/recorded-cluster.ts';

const statusOf = async (url: string): Promise<StatusView> =>
  (await (await fetch(`${url}/v1/status`, { signal: AbortSignal.timeout(60_000) })).json()) as StatusView;

/** Some numbers of the page, read at the same time. */
interface Shown {
  readonly cycles: string;
  readonly samples: string;
  readonly collectors: string;
  readonly series: string;
  readonly loadavg: string;
  readonly groups: readonly (readonly [string, number])[];
}

const SHOWN = `(() => {
  const text = (selector) => document.querySelector(selector).textContent;
  const fact = (term) => [...document.querySelectorAll('#cycle-facts > div')]
    .find((one) => one.querySelector('dt').textContent === term).querySelector('dd > span').textContent;
  return {
    cycles: fact('Cycles'),
    samples: fact('Samples'),
    collectors: text('#count-collectors'),
    series: text('#count-series'),
    loadavg: text('[id="collector-node.loadavg"] td.number'),
    groups: [...document.querySelectorAll('#budget-rows tr')].map((row) => [
      row.querySelector('th').firstChild.textContent,
      Number(row.querySelector('td').textContent.replaceAll(',', '')),
    ]),
  };
})()`;

/** The numbers of page and API for the same cycle: read again until both show it. */
async function ofOneCycle(page: Page, url: string): Promise<{ shown: Shown; status: StatusView }> {
  for (;;) {
    const status = await statusOf(url);
    const shown = (await page.evaluate(SHOWN)) as Shown;
    if (number(shown.cycles) === status.cycle.count) return { shown, status };
    await page.waitForTimeout(50);
  }
}

const number = (shown: string) => Number(shown.replaceAll(',', ''));

test('tasks are added and removed with the token, and the page shows the counts of the API', LIMIT, async (t) => {
  const opened = await openAgentPage(t);
  if (opened === undefined) return;
  const { page, url, errors } = opened;
  await page.locator('#task-add summary').click();
  await page.locator('#task-text').fill('[{ "id": "load", "type": "node.loadavg", "interval": "1h" }]');
  await page.locator('#task-form button').click();
  await giveToken(page, TOKEN);
  await page.locator('#task-result', { hasText: 'Added load' }).waitFor();
  await page.locator('#task-load .state', { hasText: /^ok$/ }).waitFor();
  await page.locator('#task-load button', { hasText: 'Run' }).click();
  await page.locator('#task-result', { hasText: /load: ok, 3 series/ }).waitFor();
  await lookAt(page, 'healthy');

  const { shown, status } = await ofOneCycle(page, url);
  const ok = status.collectors.filter(({ state }) => state === 'ok').length;
  const failing = status.collectors.filter(({ state }) => state === 'fault').length;
  assert.equal(shown.collectors, failing > 0 ? `${failing} failing` : `${ok} ok`);
  const series = status.budgets.reduce((sum, budget) => sum + budget.series, 0);
  assert.equal(number(shown.series), series);
  const loadavg = status.collectors.find(({ id }) => id === 'node.loadavg');
  assert.equal(number(shown.loadavg), loadavg?.series);
  assert.equal(number(shown.samples), status.cycle.samples);
  assert.deepEqual(
    shown.groups,
    status.budgets.map(({ group, series: ofGroup }) => [group, ofGroup]),
  );

  await page.locator('#task-load button', { hasText: 'Remove' }).click();
  await page.locator('#task-result', { hasText: 'Removed load' }).waitFor();
  await page.locator('#task-load').waitFor({ state: 'detached' });
  assert.deepEqual(errors, []);
});

test('an outage shows the next attempt and the expected loss, and a budget the dropped families', LIMIT, async (t) => {
  const spool = scratchFolder(t);
  const opened = await openAgentPage(t, {
    exporters: { vm: { type: 'vmagent', url: `http://127.0.0.1:${await freePort()}` } },
    spool: { path: spool, maxAge: '3h30m' },
  });
  if (opened === undefined) return;
  const { page, url, configure } = opened;
  const problem = page.locator('#problems li', { hasText: /vm is retrying/ });
  await problem.locator('.why', { hasText: /Data is lost in about 3 h \d+ min at this rate/ }).waitFor();
  await page.locator('#receiver-cards .state', { hasText: 'retrying' }).waitFor();
  assert.match((await problem.textContent()) ?? '', /Check that the receiver runs/);
  const runbook = problem.locator('a', { hasText: 'Runbook' });
  assert.match((await runbook.getAttribute('href')) ?? '', /runbook\.md#firesteelnotdelivering$/);
  const [exporter] = (await statusOf(url)).exporters;
  assert.ok((exporter?.nextTryMs ?? 0) > 0 && (exporter?.pushes?.failed ?? 0) > 0, JSON.stringify(exporter));
  await lookAt(page, 'backlog');

  configure({ exporters: { vm: { type: 'vmagent', url } }, budget: { families: { node_cpu_seconds_total: 1 } } });
  await page.locator('#reload').click();
  await giveToken(page, TOKEN);
  const row = page.locator('[id="collector-node.cpu"]');
  await row.locator('.state', { hasText: /^left out$/ }).waitFor();
  await row.locator('.reason', { hasText: 'node_cpu_seconds_total' }).waitFor();
  await page.locator('#problems li', { hasText: 'node is over its series budget' }).waitFor();
  await page.locator('#metric-match').fill('node_cpu_seconds');
  await page.locator('#family-rows .reason', { hasText: 'left out' }).waitFor();
  await lookAt(page, 'budget');
});

test('a state agent shows each resource, and unavailable ones as problems', LIMIT, async (t) => {
  const browser = await startBrowser(t);
  if (browser === undefined) return;
  const api = await startFakeApi(t);
  loadRecordedCluster(api.cluster);
  const forbidden = { status: 403, body: '{"kind":"Status","message":"secrets is forbidden"}' };
  api.fail('list', forbidden, { times: 1_000_000, path: '/api/v1/secrets' });
  const kubeconfig = join(scratchFolder(t), 'kubeconfig');
  writeFileSync(kubeconfig, api.kubeconfig());
  const off = { enabled: false };
  const agent = await openAgentPage(t, {
    collectors: {
      node: off,
      container: off,
      process: off,
      ksm: { enabled: true, kubeconfig, resources: ['pods', 'deployments', 'nodes', 'secrets'] },
    },
  });
  if (agent === undefined) return;
  const { page } = await openPage(browser, agent.url);
  await page.locator('#resource-pods .state', { hasText: 'followed' }).waitFor();
  await page.locator('#resource-secrets .state', { hasText: 'down' }).waitFor();
  await page.locator('#problems li', { hasText: 'secrets is not followed' }).waitFor();
  await page.locator('#verdict[data-level="bad"]').waitFor();
  await lookAt(page, 'state');
});

test('log entries show the progress of each source at each receiver, and why one is behind', LIMIT, async (t) => {
  const folder = scratchFolder(t);
  const path = join(folder, 'app.log');
  writeFileSync(path, 'a line\n'.repeat(1234));
  const store = await new VictoriaLogsStore().start(t);
  const opened = await openAgentPage(t, {
    spool: { path: join(folder, 'spool') },
    exporters: {
      store: { type: 'victorialogs', url: store.url },
      'store-in-another-region': { type: 'loki', url: `http://127.0.0.1:${await freePort()}` },
    },
    logs: {
      files: [{ paths: [path], start: 'beginning' }],
      journal: { enabled: true, paths: [join(folder, 'none')] },
    },
  });
  if (opened === undefined) return;
  const { page } = opened;
  const row = (name: string) => page.locator('#log-rows tr').filter({ hasText: name });
  await row('file → store').filter({ hasNotText: 'region' }).locator('.state', { hasText: /^ok$/ }).waitFor();
  await page.locator('#logs-note', { hasText: '1,234 entries acknowledged' }).waitFor();
  const behind = row('file → store-in-another-region');
  await behind.locator('.state', { hasText: 'retrying' }).waitFor();
  await behind.locator('.reason', { hasText: 'ECONNREFUSED' }).waitFor();
  const failing = row('journal → store').filter({ hasNotText: 'region' });
  await failing.locator('.state', { hasText: 'failing' }).waitFor();
  await failing.locator('.reason', { hasText: 'no journal in' }).waitFor();
  await row('journal → store-in-another-region').locator('.state', { hasText: 'failing' }).waitFor();
  await page.locator('#verdict[data-level="bad"]').waitFor();
  await lookAt(page, 'logs');
});
