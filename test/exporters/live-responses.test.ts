import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { batchAt, exporterTo, SENT } from '../kit/exporter.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { startNginx } from '../kit/nginx.ts';
import { serverAvailable, startServer } from '../kit/servers.ts';
import { until } from '../kit/until.ts';
import { startVictoriaMetrics } from '../kit/victoria-metrics.ts';

const INSECURE = { tls: { insecureSkipVerify: true } };

/**
 * Delivers one batch to `wrong`, which rejects it, with `right` as failover: it has to arrive there, nothing may be
 * dropped, and the log must contain `reason` and a hint that `hint` matches.
 */
async function fallsOver(
  t: TestContext,
  wrong: string,
  right: string,
  reason: string,
  hint: RegExp,
  { type = 'vmagent', ...options }: { readonly type?: string; readonly tls?: object } = {},
): Promise<void> {
  await t.test(`${type} at ${wrong.replaceAll(/:\d+/g, '')}: ${reason}`, async () => {
    const { exporter, lines, counted } = await exporterTo(wrong, { ...options, failover: [right] }, type);
    exporter.deliver(await batchAt(Date.now()));
    await until(
      async () => (await counted(SENT)) === 1,
      () => lines.join(''),
    );
    const { dropped: lost } = exporter.status();
    await exporter.close(1000);
    assert.deepEqual(lost, {});
    const complaint = JSON.parse(lines.find((line) => line.includes('push failed')) ?? '{}') as Partial<
      Record<string, string>
    >;
    assert.equal(complaint.msg, `push failed: ${reason}`);
    assert.match(String(complaint.hint), hint);
    assert.doesNotMatch(lines.join(''), /timestamp=|extra_label/, 'no query is shown');
  });
}

test('responses of VictoriaMetrics, vmagent, vmauth and vmalert to a wrong path do not concern the batch', {
  timeout: 120_000,
}, async (t) => {
  for (const name of ['victoria-metrics', 'vmagent', 'vmauth', 'vmalert']) if (!serverAvailable(t, name)) return;
  const folder = scratchFolder(t);
  const victoria = await startVictoriaMetrics(t, folder);
  const routes = `${folder}/vmauth.yml`;
  writeFileSync(
    routes,
    `unauthorized_user: { url_map: [{ src_paths: ["/select/.*"], url_prefix: "${victoria.url}" }] }\n`,
  );
  const users = `${folder}/users.yml`;
  writeFileSync(users, `users: [{ username: u, password: p, url_prefix: "${victoria.url}" }]\n`);
  const start = (name: string, args: readonly string[]) =>
    startServer(t, name, (port) => [`-httpListenAddr=127.0.0.1:${port}`, ...args], '/health');
  const [vmagent, noRoute, noUser, vmalert, secured] = await Promise.all([
    start('vmagent', [`-remoteWrite.url=${victoria.url}/api/v1/write`, `-remoteWrite.tmpDataPath=${folder}/vmagent`]),
    start('vmauth', [`-auth.config=${routes}`]),
    start('vmauth', [`-auth.config=${users}`]),
    start('vmalert', [`-datasource.url=${victoria.url}`, '-notifier.blackhole']),
    start('victoria-metrics', [`-storageDataPath=${folder}/secured`, '-httpAuth.username=a', '-httpAuth.password=b']),
  ]);
  const at = (wrong: string, reason: string, hint: RegExp) => fallsOver(t, wrong, victoria.url, reason, hint);
  // None of these is known to check-config as wrong.
  await at(`${victoria.url}/metrics-store`, 'path', /path of the url/);
  await at(`${victoria.url}/line/sample`, 'path', /path of the url/);
  await at(`${victoria.url}/insert/7/prometheus`, 'path', /tenant/);
  await at(`${vmagent}/agent`, 'path', /path of the url/);
  await at(noRoute, 'route', /no route/);
  await at(noUser, 'auth', /auth/);
  await at(vmalert, 'path', /path of the url/);
  await at(secured, 'auth', /auth/);
  // VictoriaMetrics does not have a Pushgateway's path.
  if (!serverAvailable(t, 'prometheus-pushgateway')) return;
  const gateway = await startServer(
    t,
    'prometheus-pushgateway',
    (port) => [`--web.listen-address=127.0.0.1:${port}`],
    '/-/ready',
  );
  await at(gateway, 'path', /path of the url/);
  await fallsOver(t, victoria.url, gateway, 'path', /path of the url/, { type: 'pushgateway' });
  await fallsOver(t, `${gateway}/prefix`, gateway, 'path', /path of the url/, { type: 'pushgateway' });
});

test('responses of nginx to a request that it does not support do not concern the batch', {
  timeout: 180_000,
}, async (t) => {
  for (const name of ['victoria-metrics', 'nginx']) if (!serverAvailable(t, name)) return;
  const folder = scratchFolder(t);
  const victoria = await startVictoriaMetrics(t, folder);
  const nginx = await startNginx(t, folder, victoria.url);
  const at = (wrong: string, reason: string, hint: RegExp, options = {}) =>
    fallsOver(t, wrong, nginx.proxy, reason, hint, options);
  await at(nginx.plainToTls, 'tls', /https:/);
  await at(nginx.wantsCertificate, 'tls', /client certificate/, INSECURE);
  await at(nginx.pages, 'not_a_receiver', /nothing was stored/);
  await at(`${nginx.pages}/refused`, 'refused', /url, route, TLS, tenant and credentials/);
  await at(`${nginx.pages}/empty`, 'refused', /url, route, TLS, tenant and credentials/);
  await at(nginx.proxy.replace('http:', 'https:'), 'network', /does not speak TLS/);
  await at(nginx.wantsCertificate, 'network', /certificate was not accepted/);
  if (!serverAvailable(t, 'prometheus-pushgateway')) return;
  const gateway = await startServer(
    t,
    'prometheus-pushgateway',
    (port) => [`--web.listen-address=127.0.0.1:${port}`],
    '/-/ready',
  );
  await fallsOver(t, nginx.pages, gateway, 'not_a_receiver', /nothing was stored/, { type: 'pushgateway' });
});
