import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { JsonClient } from '../../src/net/json-client.ts';
import { Names } from '../../src/net/names.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { startNameServer } from '../kit/name-server.ts';

/** Names that this test's name server resolves. */
async function namesFrom(t: TestContext, said: Parameters<typeof startNameServer>[1]): Promise<Names> {
  const server = await startNameServer(t, said);
  const folder = scratchFolder(t);
  writeFileSync(join(folder, 'hosts'), '');
  writeFileSync(join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\n');
  const names = new Names({
    hostsFile: join(folder, 'hosts'),
    resolvConfFile: join(folder, 'resolv.conf'),
    port: server.port,
  });
  t.after(() => names.close());
  return names;
}

test('state agents and kubelets are resolved with the name servers of resolv.conf, not with getaddrinfo', async (t) => {
  const server = createServer((_, response) => response.end('{"a":1}')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const names = await namesFrom(t, { 'state.example': { a: ['127.0.0.1'] }, 'silent.example': 'silent' });
  const client = new JsonClient({ insecureSkipVerify: false }, names);
  t.after(() => client.close());
  const { signal } = new AbortController();
  assert.deepEqual((await client.get(`http://state.example:${port}/pods`, signal)).value, { a: 1 });
  assert.deepEqual((await client.get(`http://127.0.0.1:${port}/pods`, signal)).value, { a: 1 });
  await assert.rejects(
    client.get(`http://nowhere.example:${port}/pods`, signal),
    /no name server can resolve nowhere\.example/,
  );
  const began = performance.now();
  await assert.rejects(client.get(`http://silent.example:${port}/pods`, signal), /silent\.example/);
  assert.ok(performance.now() - began < 15_000, 'connecting has a separate limit');
});
