import assert from 'node:assert/strict';
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { StatusView } from '../../src/http/status-view.ts';
import { accessibilityFindings, lookAt, openPage, screenshot, startBrowser } from '../kit/browser.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { giveToken, LIMIT, openAgentPage, startPageAgent, TOKEN } from '../kit/page-agent.ts';

/** A consistent reading of the page. */
const CYCLES_AND_LOADAVG = `({
  cycles: Number([...document.querySelectorAll('#cycle-facts > div')]
    .find((fact) => fact.textContent.startsWith('Cycles')).querySelector('dd > span').textContent),
  state: document.getElementById('collector-node.loadavg').querySelector('.state').textContent,
})`;

const row = (page: Page, id: string) => page.locator(`[id="collector-${id}"]`);

test('the page loads without errors, requests nothing from other hosts, and passes axe-core', LIMIT, async (t) => {
  const browser = await startBrowser(t);
  if (browser === undefined) return;
  const { url } = await startPageAgent(t);
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 390],
  ] as const) {
    const viewport = { width, height: width === 390 ? 844 : 900 };
    const { page, errors, strangers } = await openPage(browser, url, '/', { colorScheme, viewport });
    await page.locator('#verdict:not([data-level="off"])').waitFor();
    await page.locator('#family-rows tr').first().waitFor();
    assert.ok(
      await page.evaluate('document.documentElement.scrollWidth <= innerWidth'),
      `the page is wider than ${width}`,
    );
    assert.deepEqual(await accessibilityFindings(page), []);
    assert.equal(await page.locator('#connection').textContent(), 'live');
    await page.keyboard.press('Tab');
    // The first stop of the keyboard skips to the content. Keys do not wait for what they cause.
    await page.locator('a.skip:focus').waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/#main$/);
    assert.deepEqual(errors, []);
    assert.deepEqual(strangers, []);
    await page.context().close();
  }
});

test('an update changes existing rows instead of creating new ones', LIMIT, async (t) => {
  const opened = await openAgentPage(t);
  if (opened === undefined) return;
  const { page } = opened;
  await page.locator('#family-rows tr').first().waitFor();
  const mark = `for (const row of document.querySelectorAll('tbody tr, .card, .facts > div')) row.seenBefore = true`;
  await page.evaluate(mark);
  const cycles = page.locator('#cycle-facts div', { hasText: 'Cycles' }).locator('dd > span').first();
  const before = Number(await cycles.textContent());
  while (Number(await cycles.textContent()) < before + 3) await page.waitForTimeout(200);
  const [all, kept] = (await page.evaluate(
    `[...document.querySelectorAll('#collector-table tr[id]')].reduce(([a, k], row) => [a + 1, k + (row.seenBefore ? 1 : 0)], [0, 0])`,
  )) as [number, number];
  assert.ok(all > 20, `${all} collectors`);
  assert.ok(kept >= all - 2, `${kept} of ${all} rows are the old ones`);
});

test('a failing collector is visible after its next run, with the reason', LIMIT, async (t) => {
  const procfs = join(scratchFolder(t), 'proc');
  await mkdir(procfs);
  for (const name of readdirSync('/proc')) if (name !== 'loadavg') symlinkSync(join('/proc', name), join(procfs, name));
  const loadavg = join(procfs, 'loadavg');
  writeFileSync(loadavg, '0.1 0.2 0.3 1/100 4711\n');
  const opened = await openAgentPage(t, { paths: { procfs } });
  if (opened === undefined) return;
  const { page, path, url } = opened;
  await row(page, 'node.loadavg').locator('.state', { hasText: /^ok$/ }).waitFor();
  writeFileSync(loadavg, 'nonsense\n');
  const { cycle } = (await (await fetch(`${url}/v1/status`)).json()) as StatusView;
  // The cycle in progress may have read the old file; the next one has not.
  for (let state = ''; state !== 'failing'; await page.waitForTimeout(50)) {
    const shown = (await page.evaluate(CYCLES_AND_LOADAVG)) as { cycles: number; state: string };
    state = shown.state;
    if (shown.cycles >= cycle.count + 2)
      assert.equal(state, 'failing', `${shown.cycles} cycles, ${cycle.count} before`);
  }
  writeFileSync(path('textfile/broken.prom'), 'a{b="<img src=x onerror=alert(1)>" 1\n');
  assert.match((await row(page, 'node.loadavg').locator('.reason').textContent()) ?? '', /loadavg/);
  await row(page, 'node.textfile')
    .locator('.state', { hasText: /^partial$/ })
    .waitFor();
  assert.match((await page.locator('#verdict').textContent()) ?? '', /node\.loadavg fails|collectors fail/);
  await page.locator('#problems a', { hasText: 'node.loadavg fails' }).click();
  await page.waitForURL(/#collector-node\.loadavg$/);
  await page.evaluate('scrollTo(0, 0)');
  await lookAt(page, 'failing');

  writeFileSync(loadavg, '0.1 0.2 0.3 1/100 4711\n');
  await row(page, 'node.loadavg').locator('.state', { hasText: /^ok$/ }).waitFor();
});

test('the explorer finds a series, filters by label and shows hostile values as text', LIMIT, async (t) => {
  const opened = await openAgentPage(t);
  if (opened === undefined) return;
  const { page, path, errors } = opened;
  const hostile = '<img src=x onerror=alert(1)>';
  const lines = Array.from({ length: 120 }, (_, index) => `shop_orders{till="${index}",pod="${hostile}"} ${index}\n`);
  writeFileSync(path('textfile/shop.prom'), `# TYPE shop_orders gauge\n${lines.join('')}`);
  await page.locator('#metric-match').fill('SHOP');
  const family = page.locator('#family-rows button', { hasText: 'shop_orders' });
  await family.waitFor();
  await family.press('Enter');
  const rows = page.locator('#series-rows tr');
  await rows.nth(49).waitFor();
  assert.equal(await page.locator('#series-pager span').textContent(), '1–50 of 120');
  await page.locator('#series-pager button', { hasText: 'Next' }).click();
  await page.locator('#series-rows td.value', { hasText: /^99$/ }).waitFor();

  await page.locator('#series-filter').fill('till=117');
  await page.locator('#series-pager').waitFor({ state: 'hidden' });
  assert.equal(await rows.count(), 1);
  assert.deepEqual(await rows.first().locator('td').allTextContents(), [hostile, '117', '117', 'copy']);
  assert.equal(await page.locator('img[src="x"]').count(), 0);
  await rows.first().locator('button').click();
  await page.locator('#copied', { hasText: 'shop_orders{' }).waitFor();
  const copied = (await page.locator('#copied').textContent()) ?? '';
  assert.match(copied, /till="117"/);
  assert.match(copied, /job="node-exporter", instance="worker-1"/);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.evaluate(`document.getElementById('explorer').scrollIntoView()`);
  await screenshot(page, 'explorer-390', false);
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.locator('#series-back').click();
  await page.locator('#metric-match').fill('no_such_metric');
  await page.locator('#family-none', { hasText: 'no_such_metric' }).waitFor();
  assert.deepEqual(errors, []);
});

test('a collector is disabled only with the token, and is enabled again automatically', LIMIT, async (t) => {
  const opened = await openAgentPage(t);
  if (opened === undefined) return;
  const { page } = opened;
  await row(page, 'node.uname').locator('button').click();
  await page.locator('#disable-reason').fill('OPS-1231 <b>');
  await page.evaluate(`document.querySelector('#disable-ttl option').value = '10s'`);
  await page.locator('#disable-ttl').selectOption('10s');
  await page.locator('#manage-disable button').click();
  await giveToken(page, 'a guess');
  await page.locator('#token-why', { hasText: 'not accepted' }).waitFor();
  await screenshot(page, 'token', false);
  assert.deepEqual(await accessibilityFindings(page), []);
  await giveToken(page, TOKEN);
  await page.locator('#manage-result', { hasText: 'Disabled until' }).waitFor();
  await row(page, 'node.uname').locator('.state', { hasText: 'disabled' }).waitFor();
  await row(page, 'node.uname').locator('.reason', { hasText: 'OPS-1231 <b>' }).waitFor();
  await screenshot(page, 'manage', false);
  await page.locator('#manage [data-close]').click();
  const stored = 'JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])';
  assert.ok(!((await page.evaluate(stored)) as string).includes(TOKEN));
  await row(page, 'node.uname').locator('.state', { hasText: /^ok$/ }).waitFor();

  await row(page, 'node.uname').locator('button').click();
  await page.locator('#manage-run').click();
  await page.locator('#manage-result', { hasText: 'Just now: 1 series' }).waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);
});

test('a refused configuration shows the reason, an applied one the changes', LIMIT, async (t) => {
  const opened = await openAgentPage(t);
  if (opened === undefined) return;
  const { page, configure } = opened;
  configure({ pushh: {} });
  await page.locator('#reload').click();
  await giveToken(page, TOKEN);
  await page.locator('#reload-result', { hasText: 'pushh' }).waitFor();
  await page.locator('#problems', { hasText: 'a new configuration was refused' }).waitFor();
  configure({ labels: { rack: 'b' } });
  await page.locator('#reload').click();
  await page.locator('#reload-result', { hasText: 'Applied' }).waitFor();
  await page.locator('#problems', { hasText: 'refused' }).waitFor({ state: 'hidden' });
  await page.locator('#config-details summary').click();
  await page.locator('#config-text', { hasText: 'rack: b' }).waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);
});

test('the page pauses, and shows since when it is stale if the agent is down', LIMIT, async (t) => {
  const opened = await openAgentPage(t);
  if (opened === undefined) return;
  const { page, agent } = opened;
  await page.locator('#pause').click();
  await page.locator('#connection', { hasText: /^paused at \d\d:\d\d:\d\d$/ }).waitFor();
  await page.locator('#pause').click();
  await page.locator('#connection', { hasText: /^live$/ }).waitFor();
  agent.child.kill('SIGKILL');
  await agent.ended;
  await page.locator('#connection', { hasText: /^stale since \d\d:\d\d:\d\d$/ }).waitFor();
  await screenshot(page, 'stale', false);
});

test('if reading needs a token, the page asks for it first', LIMIT, async (t) => {
  const browser = await startBrowser(t);
  if (browser === undefined) return;
  const folder = scratchFolder(t);
  const readTokenFile = join(folder, 'read');
  writeFileSync(readTokenFile, TOKEN);
  const { url } = await startPageAgent(t, { http: { listen: '127.0.0.1:0', readTokenFile } });
  const { page } = await openPage(browser, url);
  await page.locator('#token-why', { hasText: 'requires a token' }).waitFor();
  await giveToken(page, TOKEN);
  await page.locator('#collector-table tbody tr').first().waitFor();
  await page.locator('#family-rows tr').first().waitFor();
  assert.ok(!page.url().includes(TOKEN));
  await row(page, 'node.uname').locator('button').click();
  await page.locator('#manage-off').waitFor();
});
