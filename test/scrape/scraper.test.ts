import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Names } from '../../src/net/names.ts';
import { Scraper } from '../../src/scrape/scraper.ts';
import type { TargetSettings } from '../../src/scrape/target.ts';
import { scratchFolder } from '../kit/host-tree.ts';

/** A target with the page returned by `page`, and the output of its scraper. */
async function scene(t: TestContext, page: () => string, auth?: TargetSettings['auth']) {
  const authorized = new Set<string | undefined>();
  const server = createServer(({ headers }, response) => {
    authorized.add(headers.authorization);
    response.end(page());
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const names = new Names();
  t.after(() => names.close());
  const delivered: { readonly samples: number | undefined; readonly ended: readonly string[] }[] = [];
  const settings = {
    intervalMs: 60_000,
    timeoutMs: 20_000,
    ...{ honorLabels: false, honorTimestamps: true, auth, tls: undefined, metricRelabel: [] },
  };
  const labels = { job: 'j', instance: 'i' };
  const target = { id: 'it', source: 'targets[0]', url: `http://127.0.0.1:${port}/metrics`, labels, settings };
  const scraper = new Scraper(
    target,
    {
      names,
      now: Date.now,
      limits: { body: 2 ** 20, samples: 1000, labels: 10, labelBytes: 200 },
      pushed: new Set(),
      relabelingsOf: () => [],
      deliver: (batch, _, ended) => void delivered.push({ samples: batch?.samples, ended }),
    },
    0,
  );
  t.after(() => scraper.close());
  const scrape = async () => {
    scraper.due();
    await scraper.idle();
    return delivered.at(-1);
  };
  /** Damages the stored data of the last page. */
  const damage = () => {
    for (const member of scraper.page.members) member.fill(0xff);
  };
  return { scraper, scrape, damage, delivered, authorized };
}

const ENDED = 'a{job="j",instance="i"}';

test('series that are no longer on a page end', async (t) => {
  let text = 'a 1\nb 2\n';
  const { scrape } = await scene(t, () => text);
  assert.deepEqual(await scrape(), { samples: 2, ended: [] });
  text = 'b 2\n';
  assert.deepEqual(await scrape(), { samples: 1, ended: [ENDED] });
});

test('the lines of a page that are not used are reported with the target', async (t) => {
  const { scraper, scrape } = await scene(t, () => 'a 1\na 2\nb 1 1790000000000000000\nc 1\n');
  assert.equal((await scrape())?.samples, 2);
  assert.equal(
    scraper.state.error,
    '1 lines repeat a series of the same page: the first of each is used; ' +
      '1 lines have a timestamp before 1970 or after 2108, and are dropped',
  );
});

test('an unreadable previous page loses only its stale markers, never the scrape or the agent', async (t) => {
  let text = 'a 1\nb 2\n';
  const { scraper, scrape, damage } = await scene(t, () => text);
  await scrape();
  damage();
  text = 'b 2\n';
  assert.deepEqual(await scrape(), { samples: 1, ended: [] });
  assert.equal(scraper.state.state, 'up');
  assert.match(scraper.state.error ?? '', /the page before is unreadable/);
  text = 'a 1\nb 2\n';
  await scrape();
  text = 'b 2\n';
  assert.deepEqual(await scrape(), { samples: 1, ended: [ENDED] }, 'the next ones are compared again');
  assert.equal(scraper.state.error, undefined);
});

test('a target with an unreadable page ends when it vanishes or fails', async (t) => {
  let text = 'a 1\n';
  const { scraper, scrape, damage, delivered } = await scene(t, () => text);
  await scrape();
  damage();
  text = 'not a page at all {\n';
  assert.deepEqual(await scrape(), { samples: undefined, ended: [] });
  assert.equal(scraper.state.state, 'down');
  assert.match(scraper.state.error ?? '', /line 1/, 'the error of the page comes first');
  text = 'a 1\n';
  await scrape();
  damage();
  await scraper.stop();
  assert.equal(delivered.at(-1)?.samples, undefined);
});

test('of two kinds of credentials the password is used, and the file of the token is not read', async (t) => {
  const passwordFile = join(scratchFolder(t), 'password');
  writeFileSync(passwordFile, 'secret\n');
  const auth = { username: 'me', passwordFile, bearerTokenFile: '/nowhere/token' };
  const { scrape, authorized } = await scene(t, () => 'a 1\n', auth);
  assert.deepEqual(await scrape(), { samples: 1, ended: [] });
  assert.deepEqual([...authorized], [`Basic ${btoa('me:secret')}`]);
});
