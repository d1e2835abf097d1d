import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { batchAt, dropped, exporterTo, SENT } from '../kit/exporter.ts';
import { until } from '../kit/until.ts';

/** A server that responds with `status` to everything; resolves to its URL and the number of pushes so far. */
async function gateway(t: TestContext, status: number): Promise<{ url: string; pushes: () => number }> {
  let pushes = 0;
  const server = createServer((request, response) => {
    pushes++;
    request.resume().on('end', () => response.writeHead(status).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, pushes: () => pushes };
}

test('a push that is too large for the proxy of one Pushgateway goes to the next', async (t) => {
  const [small, alsoSmall, large] = await Promise.all([gateway(t, 413), gateway(t, 413), gateway(t, 200)]);
  const failover = [alsoSmall.url, large.url];
  const { exporter, lines, counted } = await exporterTo(small.url, { failover }, 'pushgateway');
  for (const round of [1, 2]) {
    exporter.deliver(await batchAt(Date.now()));
    await until(
      async () => (await counted(SENT)) === round,
      () => lines.join(''),
    );
  }
  await exporter.close(1000);
  assert.deepEqual([small.pushes(), alsoSmall.pushes(), large.pushes()], [2, 2, 2], 'each cycle tries the first again');
  assert.deepEqual(exporter.status().dropped, {});
  assert.match(lines.join(''), /raise the proxy's limit/);
});

test('without another one it is dropped and counted', async (t) => {
  const small = await gateway(t, 413);
  const { exporter, lines, counted } = await exporterTo(small.url, {}, 'pushgateway');
  exporter.deliver(await batchAt(Date.now()));
  await until(
    async () => (await counted(dropped('too_large'))) === 1,
    () => lines.join(''),
  );
  await exporter.close(1000);
});
