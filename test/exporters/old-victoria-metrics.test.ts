import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { loadSettings } from '../../src/commands/settings.ts';
import { targets } from '../../src/config/identity.ts';
import { exporterTypeOf } from '../../src/exporters/index.ts';
import { batchAt, exporterTo, SENT } from '../kit/exporter.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable } from '../kit/servers.ts';
import { until } from '../kit/until.ts';
import { startVictoriaMetrics } from '../kit/victoria-metrics.ts';

/**
 * VictoriaMetrics 1.79 (Debian 12) does not support a job in the path of the import: this server in front of a newer one
 * responds with the recorded message of 1.79.5. Resolves to its URL and the requested paths.
 */
async function oldInFrontOf(t: TestContext, upstream: string): Promise<{ url: string; paths: string[] }> {
  const paths: string[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const { pathname, search } = new URL(request.url ?? '', upstream);
    paths.push(pathname);
    if (pathname.startsWith('/api/v1/import/prometheus/')) {
      const message = `remoteAddr: "127.0.0.1:44498"; requestURI: ${request.url}; unsupported path requested: "${pathname}"`;
      response.writeHead(400, { 'content-type': 'text/plain; charset=utf-8' }).end(message);
      return;
    }
    const encoding = request.headers['content-encoding'];
    const headers = encoding === undefined ? {} : { 'content-encoding': encoding };
    const answer = await fetch(`${upstream}${pathname}${search}`, {
      method: request.method ?? 'GET',
      headers,
      ...(body.length > 0 && { body: new Uint8Array(body) }),
    });
    response.writeHead(answer.status).end(await answer.text());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths };
}

test('an old VictoriaMetrics gets job and instance in the query, and is checked for the new form once', {
  timeout: 120_000,
}, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const victoria = await startVictoriaMetrics(t, scratchFolder(t));
  const { url, paths } = await oldInFrontOf(t, victoria.url);
  const { exporter, lines, counted } = await exporterTo(url);
  const sent = (samples: number) =>
    until(
      async () => (await counted(SENT)) === samples,
      () => lines.join(''),
    );
  const first = Date.now() - 2000;
  exporter.deliver(await batchAt(first));
  await sent(1);
  exporter.deliver(await batchAt(first + 1000));
  await sent(2);
  await exporter.close(1000);
  assert.equal(paths.filter((path) => path.includes('/job/')).length, 1, paths.join('\n'));
  assert.deepEqual(exporter.status().dropped, {});
  assert.doesNotMatch(lines.join(''), /push failed/);
  await victoria.visible('{__name__="stamp"}', first + 1000);
  const [series] = await victoria.export('stamp');
  assert.equal(series?.metric.job, 'node-exporter');
  assert.equal(series?.metric.instance, 'n1');
  assert.deepEqual(series?.timestamps, [first, first + 1000]);
});

test('check-config --connect reports that an old VictoriaMetrics accepts pushes', { timeout: 120_000 }, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const victoria = await startVictoriaMetrics(t, scratchFolder(t));
  const { url } = await oldInFrontOf(t, victoria.url);
  const ask = async (at: string) => {
    const { config } = loadSettings({ set: [`exporters.it={type: vmagent, url: "${at}"}`] }, {});
    const { it } = config.exporters;
    assert.ok(it);
    const world = { env: {}, now: Date.now, signal: AbortSignal.timeout(60_000) };
    return (await exporterTypeOf(it).check?.(it, targets(config).node, world)) ?? [];
  };
  const [requestedMs] = await ask(url);
  assert.equal(requestedMs?.acceptsPushes, true, String(requestedMs?.text));
  const [wrong] = await ask(`${url}/nowhere`);
  assert.equal(wrong?.acceptsPushes, false);
  assert.match(String(wrong?.text), /check the path/);
});
