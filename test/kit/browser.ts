import assert from 'node:assert/strict';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Names under which Debian and other systems install it. */
const NAMES = ['chromium', 'chromium-headless-shell', 'chromium-browser', 'google-chrome'];

/** Our machines only reach package registries: background requests of a browser would only fail, slowly. */
const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const SCREENSHOTS = fileURLToPath(new URL('../../test-output/', import.meta.url));

/**
 * A headless Chromium, found in CHROMIUM or on PATH, which ends with the test. Without one the test is marked as skipped,
 * or fails if REQUIRE_SERVERS=1.
 */
export async function startBrowser(context: TestContext): Promise<Browser | undefined> {
  const executablePath = process.env.CHROMIUM || onPath();
  if (executablePath === undefined) {
    const reason = 'no Chromium: none is on PATH, and CHROMIUM names none; on Debian: apt-get install chromium';
    if (process.env.REQUIRE_SERVERS === '1') throw new Error(`${reason}; and REQUIRE_SERVERS=1`);
    context.skip(reason);
    return undefined;
  }
  // As root the sandbox, which needs user namespaces, does not work; the pages are ours.
  const args = process.getuid?.() === 0 ? [...QUIET, '--no-sandbox'] : QUIET;
  const browser = await chromium.launch({ executablePath, args, timeout: 120_000 });
  context.after(() => browser.close());
  return browser;
}

function onPath(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A page and its errors. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors of the console and of scripts, including refusals that a test provokes. */
  readonly errors: string[];
  /** Requested addresses outside of `base`. */
  readonly strangers: string[];
}

/** Opens `path` of `base` and records errors from the beginning. */
export async function openPage(
  browser: Browser,
  base: string,
  path = '/',
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const errors: string[] = [];
  const strangers: string[] = [];
  page.on('pageerror', (error) => errors.push(error.stack ?? error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      errors.push(`${message.text()} ${message.location().url}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${base}/`)) strangers.push(request.url());
  });
  await page.goto(base + path);
  return { page, errors, strangers };
}

/** A screenshot in test-output: of the whole page, or of the visible part. */
export async function screenshot(page: Page, name: string, fullPage = true): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage });
}

/** Violations that axe-core finds on the page: rule and location. */
export async function accessibilityFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${target}: ${failureSummary}`),
  );
}

/** Screenshots at all widths and in dark mode; the page must fit each, without violations in axe-core. */
export async function lookAt(page: Page, name: string): Promise<void> {
  for (const width of [1440, 768, 390]) {
    await page.setViewportSize({ width, height: 900 });
    const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    assert.ok(Number(overflow) <= 0, `${name} is ${overflow} px wider than ${width}`);
    await screenshot(page, `${name}-${width}`, width !== 768);
  }
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 1440, height: 900 });
  await screenshot(page, `${name}-dark`, false);
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.emulateMedia({ colorScheme: 'light' });
}
