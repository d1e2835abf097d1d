import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { startAgentProcess } from '../kit/agent.ts';
import { freePort } from '../kit/free-port.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable } from '../kit/servers.ts';
import { startVictoriaMetrics } from '../kit/victoria-metrics.ts';

async function webServer(context: TestContext): Promise<number> {
  const server = createServer((_, response) => response.end('all is well\n')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

async function banner(context: TestContext): Promise<number> {
  const server = createTcpServer((socket) => socket.end('220 ready\r\n')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('probes of the built agent are in VictoriaMetrics like those of blackbox_exporter, failures with a reason', {
  timeout: 120_000,
}, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const vm = await startVictoriaMetrics(t, scratchFolder(t));
  const [web, greeter, closed] = await Promise.all([webServer(t), banner(t), freePort()]);
  const tasks = [
    { id: 'web', type: 'http', targets: [`http://127.0.0.1:${web}/`], http: { body: { match: ['well'] } } },
    { id: 'odd', type: 'http', targets: [`http://127.0.0.1:${web}/odd`], http: { body: { match: ['ill'] } } },
    { id: 'smtp', type: 'tcp', targets: [`127.0.0.1:${greeter}`], tcp: { dialogue: [{ expect: '^220 ' }] } },
    { id: 'gone', type: 'tcp', targets: [`127.0.0.1:${closed}`] },
    { id: 'time', type: 'udp', targets: [`127.0.0.1:${closed}`], udp: { send: 'x', expect: 'y' } },
    { id: 'name', type: 'dns', targets: [`127.0.0.1:${closed}`], dns: { name: 'example.test' } },
  ].map((task) => ({ ...task, interval: '1s', timeout: '900ms' }));
  const off = { enabled: false };
  const settings = {
    'collectors.node': off,
    'collectors.container': off,
    'collectors.process': off,
    tasks,
  };
  const agent = startAgentProcess(t, [
    ...['run', '--node', 'n1', '--push.interval', '1s', '--http.listen', '127.0.0.1:0', '--vmagent.url', vm.url],
    ...Object.entries(settings).flatMap(([path, value]) => ['--set', `${path}=${JSON.stringify(value)}`]),
  ]);
  await agent.printed(/"msg":"started"/);
  await vm.until(
    'count(probe_success{job="blackbox-exporter", node="n1"})',
    ([found]) => found?.value === tasks.length,
  );
  const success = await vm.query('probe_success');
  const up = success.filter(({ value }) => value === 1).map(({ metric }) => metric.instance);
  assert.deepEqual(up.sort(), [`127.0.0.1:${greeter}`, `http://127.0.0.1:${web}/`]);
  const [code] = await vm.query(`probe_http_status_code{instance="http://127.0.0.1:${web}/odd"}`);
  assert.equal(code?.value, 200);
  // Three tasks probe the same address: the later ones have the label `task`.
  const failed = await vm.query('firesteel_probe_up{reason!="ok"} == 1');
  const reasons = failed.map(({ metric }) => [metric.task ?? metric.instance, metric.reason]);
  assert.deepEqual(Object.fromEntries(reasons), {
    [`http://127.0.0.1:${web}/odd`]: 'body',
    [`127.0.0.1:${closed}`]: 'connect_refused',
    time: 'connect_refused',
    name: 'connect_refused',
  });
});
