import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, readFileSync } from 'node:fs';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { loadSettings } from '../../src/commands/settings.ts';
import { Sender, type UploadAttempt } from '../../src/exporters/http/sender.ts';
import type { HttpSettings } from '../../src/exporters/http/settings.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';

const file = (name: string) => fixture(`tls/${name}`);

/** An HTTPS server with the first authority's certificate, that responds with the client certificate's issuer. */
async function secureReceiver(t: TestContext, options: ServerOptions = {}): Promise<string> {
  const identity = { key: readFileSync(file('first-server.key')), cert: readFileSync(file('first-server.crt')) };
  const server = createServer({ ...identity, ...options }, (request, response) => {
    const { issuer } = (request.socket as TLSSocket).getPeerCertificate();
    request.resume().on('end', () => response.end(issuer === undefined ? 'nobody' : 'somebody'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An HTTP client for uploads to `url` with this `tls` section. */
function senderTo(t: TestContext, url: string, tls: object): () => Promise<UploadAttempt> {
  const set = [`exporters.it=${JSON.stringify({ type: 'vmagent', url, tls })}`];
  const settings = loadSettings({ set }, {}).config.exporters.it as HttpSettings | undefined;
  assert.ok(settings);
  const sender = new Sender(settings, Date.now, {});
  t.after(() => sender.close());
  const upload = { method: 'POST', compression: 'gzip', url, members: [Buffer.from('x')], timeoutMs: 2000 } as const;
  return () => sender.send(upload, new AbortController().signal);
}

test('a receiver with a certificate of our authority is trusted, another one is not', async (t) => {
  const url = await secureReceiver(t);
  assert.equal((await senderTo(t, url, { caFile: file('first-ca.crt') })()).code, 200);
  for (const tls of [{}, { caFile: file('second-ca.crt') }]) {
    const { code, failure, text } = await senderTo(t, url, tls)();
    assert.deepEqual([code, failure], ['error', 'network']);
    assert.match(text, /certificate/);
  }
  assert.equal((await senderTo(t, url, { insecureSkipVerify: true })()).code, 200);
});

test('the name in the certificate must match, unless another is expected', async (t) => {
  const url = await secureReceiver(t);
  const { text } = await senderTo(t, url, { caFile: file('first-ca.crt'), serverName: 'elsewhere.example' })();
  assert.match(text, /elsewhere\.example/);
});

test('a receiver that requires a client certificate gets it', async (t) => {
  const url = await secureReceiver(t, { ca: readFileSync(file('second-ca.crt')), requestCert: true });
  const client = { certFile: file('second-server.crt'), keyFile: file('second-server.key') };
  const { code, text } = await senderTo(t, url, { caFile: file('first-ca.crt'), ...client })();
  assert.deepEqual([code, text], [200, 'somebody']);
});

test('a rotated authority is read again without a restart', async (t) => {
  const url = await secureReceiver(t);
  const caFile = join(scratchFolder(t), 'ca.crt');
  copyFileSync(file('second-ca.crt'), caFile);
  const send = senderTo(t, url, { caFile });
  assert.equal((await send()).code, 'error');
  copyFileSync(file('first-ca.crt'), caFile);
  assert.equal((await send()).code, 200);
});

test('a missing file is reported with its path', async (t) => {
  const { code, text } = await senderTo(t, 'https://127.0.0.1:9', { caFile: '/nowhere/ca.crt' })();
  assert.deepEqual([code, text], ['error', 'cannot read the TLS file /nowhere/ca.crt: ENOENT']);
});
