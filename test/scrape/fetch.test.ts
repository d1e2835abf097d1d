import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { loadSettings } from '../../src/commands/settings.ts';
import { Names } from '../../src/net/names.ts';
import { PageClient } from '../../src/scrape/fetch.ts';
import type { TargetSettings } from '../../src/scrape/target.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';

const file = (name: string) => fixture(`tls/${name}`);
const { signal } = new AbortController();

/** A target that answers with the issuer of the client's certificate. */
async function secureTarget(t: TestContext): Promise<string> {
  const options = {
    ...{ key: readFileSync(file('first-server.key')), cert: readFileSync(file('first-server.crt')) },
    ...{ requestCert: true, rejectUnauthorized: false },
  };
  const server = createServer(options, ({ socket }, response) => {
    response.end(String((socket as TLSSocket).getPeerCertificate().issuer?.CN));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
}

/** Requests pages with this `tls` section over one client. */
function clientWith(t: TestContext, tls: Partial<TargetSettings['tls']>): (url: string) => Promise<string> {
  const names = new Names();
  const settings = {
    ...{ intervalMs: 60_000, timeoutMs: 60_000, honorLabels: false, honorTimestamps: false, auth: undefined },
    ...{ metricRelabel: [], tls: { insecureSkipVerify: false, ...tls } },
  };
  const client = new PageClient(settings, names, 1000);
  t.after(() => {
    client.close();
    names.close();
  });
  return async (url) => {
    let page = '';
    for await (const piece of (await client.open(url, signal)).pieces) page += piece;
    return page;
  };
}

test('a rotated authority and a rotated client certificate are read again without a restart', async (t) => {
  const url = await secureTarget(t);
  const folder = scratchFolder(t);
  const tls = { caFile: join(folder, 'ca.crt'), certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') };
  const mount = (ca: string, client: string) => {
    copyFileSync(file(`${ca}-ca.crt`), tls.caFile);
    copyFileSync(file(`${client}-server.crt`), tls.certFile);
    copyFileSync(file(`${client}-server.key`), tls.keyFile);
  };
  mount('second', 'first');
  const page = clientWith(t, tls);
  await assert.rejects(page(url), /certificate/);
  mount('first', 'first');
  const before = await page(url);
  assert.equal(await page(url), before);
  mount('first', 'second');
  assert.notEqual(await page(url), before);
});

test('a TLS file that cannot be read is reported with its path', async (t) => {
  for (const [caFile, why] of [
    ['/nowhere/ca.crt', 'ENOENT'],
    ['/dev/null', 'not a regular file'],
  ]) {
    const message = `cannot read the TLS file ${caFile}: ${why}`;
    await assert.rejects(clientWith(t, { caFile })('https://127.0.0.1:9/'), { message });
  }
});

test('a client certificate needs its key', () => {
  const target = (tls: object) => ({ job: 'it', urls: ['https://127.0.0.1/metrics'], tls });
  const load = (tls: object) => loadSettings({ set: [`scrape.targets=${JSON.stringify([target(tls)])}`] }, {});
  load({ certFile: '/a', keyFile: '/b' });
  for (const half of [{ certFile: '/a' }, { keyFile: '/b' }]) {
    assert.throws(() => load(half), /scrape\.targets\.0\.tls: certFile and keyFile must be set together/);
  }
});
