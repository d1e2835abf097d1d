import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { stringify } from 'yaml';
import { type AgentProcess, startAgentProcess } from './agent.ts';
import { openPage, startBrowser, type WatchedPage } from './browser.ts';
import { scratchFolder } from './host-tree.ts';

/** The control token of these agents. */
export const TOKEN = 'open-sesame';

/** Browsers and agents start slowly on a busy machine. */
export const LIMIT = { timeout: 600_000 };

/** An agent whose status page is tested. */
export interface PageAgent {
  readonly agent: AgentProcess;
  readonly url: string;
  /** A file in its folder. */
  path(name: string): string;
  /** Writes the configuration with changes, for a reload. */
  configure(changes?: Record<string, unknown>): void;
}

/** A separate agent, which pushes to the receiver in its own process unless `settings` name another. */
export async function startPageAgent(t: TestContext, settings: Record<string, unknown> = {}): Promise<PageAgent> {
  const folder = scratchFolder(t);
  const path = (name: string) => join(folder, name);
  await mkdir(path('textfile'));
  writeFileSync(path('token'), TOKEN);
  const config = {
    node: 'worker-1',
    cluster: 'test',
    push: { interval: '1s', phase: '0s' },
    http: { listen: '127.0.0.1:0', controlTokenFile: path('token') },
    log: { level: 'info' },
    collectors: { node: { textfile: { directory: path('textfile') } } },
    ...settings,
  };
  const configure = (changes: Record<string, unknown> = {}) =>
    writeFileSync(path('config.yaml'), stringify({ ...config, ...changes }));
  configure();
  // The flags are those that --with-receiver would set otherwise.
  const flags = ['--http.listen', '127.0.0.1:0', '--push.interval', '1s', '--log.level', 'info'];
  const receiver = 'exporters' in settings ? [] : ['--with-receiver'];
  const agent = startAgentProcess(t, ['run', '--config', path('config.yaml'), ...receiver, ...flags]);
  await agent.printed(/"msg":"started"/);
  const url = /"http":"(http:[^"]+)"/.exec(agent.stderr())?.[1];
  assert.ok(url, agent.stderr());
  return { agent, url, path, configure };
}

/** The page of such an agent, once it shows a cycle; undefined without a browser. */
export async function openAgentPage(
  t: TestContext,
  settings: Record<string, unknown> = {},
): Promise<(PageAgent & WatchedPage & { readonly browser: Browser }) | undefined> {
  const browser = await startBrowser(t);
  if (browser === undefined) return undefined;
  const agent = await startPageAgent(t, settings);
  const opened = await openPage(browser, agent.url);
  await opened.page.locator('#collector-table tbody tr').first().waitFor();
  return { ...agent, ...opened, browser };
}

/** Enters a token when the page prompts for it. */
export async function giveToken(page: Page, token: string): Promise<void> {
  await page.locator('#token-value').fill(token);
  await page.locator('#token-value').press('Enter');
}
