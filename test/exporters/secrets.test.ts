import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CollectedSamples } from '../../src/exporters/exporter.ts';
import { Credentials } from '../../src/exporters/http/credentials.ts';
import { GatewayClient } from '../../src/exporters/pushgateway/gateway-client.ts';
import { pushgatewayExporter } from '../../src/exporters/pushgateway/index.ts';
import { gauge } from '../../src/metrics/family.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { batchAt, EXPORTER_TYPES, exporterTo, requiredSettings } from '../kit/exporter.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { entriesOf, shipAll } from '../kit/log-entries.ts';
import { until } from '../kit/until.ts';

const SECRET = 'a-secret-of-the-receiver';
const BASIC = Buffer.from(`me:${SECRET}`).toString('base64');

function samples(): CollectedSamples {
  const out = new Snapshot();
  out.add(gauge('one', 'One.'), 1);
  out.close();
  return { group: 'node', stampMs: Date.now(), snapshots: [out], prepared: [], births: [] };
}

interface Kind {
  /** The header of the requests. */
  readonly header: string;
  /** Before the secret in its file. */
  readonly scheme?: string;
  readonly settings: (file: string) => object;
  /** The settings that the advice names. */
  readonly named: string;
}

const KINDS: readonly Kind[] = [
  {
    header: 'authorization',
    settings: (file) => ({ auth: { bearerTokenFile: file } }),
    named: 'auth.bearerTokenFile',
  },
  {
    header: 'authorization',
    settings: (file) => ({ auth: { username: 'me', passwordFile: file } }),
    named: 'auth.username, auth.passwordFile',
  },
  { header: 'x-api-key', settings: () => ({ headers: { 'X-API-Key': SECRET } }), named: 'headers.X-API-Key' },
  {
    header: 'authorization',
    scheme: 'Api-Token ',
    settings: (file) => ({ headerFiles: { Authorization: file } }),
    named: 'headerFiles.Authorization',
  },
  {
    header: 'dd-api-key',
    settings: (file) => ({ headerFiles: { 'DD-API-KEY': file } }),
    named: 'headerFiles.DD-API-KEY',
  },
  // A name that does not look like that of a secret.
  { header: 'x-license', settings: (file) => ({ headerFiles: { 'X-License': file } }), named: 'headerFiles.X-License' },
];

for (const type of EXPORTER_TYPES) {
  for (const { header, scheme = '', settings, named } of KINDS) {
    test(`${type}: ${named} that the receiver repeats is in no log and no status, and the advice after a 401 names it`, async (context) => {
      const seen: string[] = [];
      const server = createServer((request, response) => {
        const given = String(request.headers[header]);
        seen.push(given);
        request.resume();
        const body = `unknown credentials ${given} ${'x'.repeat(230)} ${SECRET} of /path?token=${SECRET}`;
        request.once('end', () => response.writeHead(seen.length === 1 ? 500 : 401, { 'x-said': given }).end(body));
      });
      context.after(() => server.close().closeAllConnections());
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const file = join(scratchFolder(context), 'secret');
      writeFileSync(file, `${scheme}${SECRET}\n`);
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const own = { ...requiredSettings(type, url), ...settings(file) };
      const { exporter, lines } = await exporterTo(own.url, own, type);
      const stop = new AbortController();
      exporter.start();
      const shipped = exporter.entries && shipAll(exporter.entries, entriesOf(3), stop.signal);
      exporter.deliverSamples?.(samples());
      if (exporter.deliverSamples === undefined) exporter.deliver(await batchAt(Date.now()));
      await until(
        () => ['***', `check the credentials: ${named}"`].every((text) => lines.join('').includes(text)),
        () => lines.join(''),
      );
      const status = JSON.stringify(exporter.status());
      stop.abort();
      await exporter.close(1000);
      await shipped;
      assert.ok(seen.some((given) => given.includes(SECRET) || given.includes(BASIC)));
      for (const text of [...lines, status]) assert.ok(!text.includes(SECRET) && !text.includes(BASIC), text);
    });
  }
}

test('a secret that was replaced while a request was in progress is hidden in its response too', (context) => {
  const file = join(scratchFolder(context), 'token');
  const [first, second] = [`${SECRET}-1`, `${SECRET}-22`];
  writeFileSync(file, first);
  const credentials = new Credentials({ auth: { bearerTokenFile: file }, headers: {}, headerFiles: {} });
  assert.deepEqual(credentials.headers, { authorization: `Bearer ${first}` });
  writeFileSync(file, second);
  for (let request = 0; request < 2; request++) {
    assert.deepEqual(credentials.headers, { authorization: `Bearer ${second}` });
  }
  assert.equal(credentials.hidden(`${first} is not ${second}`), '*** is not ***');
});

test('a secret that a Pushgateway repeats in its status line is not in errors about its groups', async (context) => {
  const server = createServer((request, response) => {
    response.writeHead(401, `${request.headers.authorization} is unknown`).end();
  });
  context.after(() => server.close().closeAllConnections());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bearerTokenFile = join(scratchFolder(context), 'token');
  writeFileSync(bearerTokenFile, SECRET);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const settings = pushgatewayExporter.settings.parse({ type: 'pushgateway', url, auth: { bearerTokenFile } });
  const client = new GatewayClient(settings, {});
  context.after(() => client.close());
  const { signal } = new AbortController();
  const hidden = /401.*Bearer \*\*\* is unknown/;
  await assert.rejects(client.groups(signal), hidden);
  await assert.rejects(client.delete({ labels: { job: 'j' }, pushedMs: 0 }, signal), hidden);
});
