import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type {
  CollectorAnswer,
  CollectorList,
  FamilyPage,
  ReloadView,
  SeriesPage,
  StatusView,
} from '../../src/http/status-view.ts';
import { fixturePaths } from '../kit/host-tree.ts';
import { type LocalAgent, startLocalAgent } from '../kit/local-agent.ts';
import { ApiDocument } from '../kit/openapi.ts';

const RUN = '/v1/collectors/{id}/run';
const DISABLE = '/v1/collectors/{id}/disable';
const ENABLE = '/v1/collectors/{id}/enable';

/** An agent of the recorded host without receivers; `http` are further settings. */
const nodeConfig = (folder: string, http: object = {}) => ({
  push: { interval: '1s' },
  node: 'n1',
  cluster: 'c1',
  http: {
    listen: '127.0.0.1:0',
    controlTokenFile: join(folder, 'token'),
    stateFile: join(folder, 'state.json'),
    ...http,
  },
  paths: fixturePaths(),
  collectors: { container: { enabled: false }, process: { enabled: false } },
  exporters: {
    unreachable: { type: 'vmagent', url: 'http://127.0.0.1:9', headers: { 'x-key': 'top-secret' } },
  },
});

const startNode = (t: TestContext, http?: object) => startLocalAgent(t, (folder) => nodeConfig(folder, http));

const status = async ({ get }: LocalAgent) => (await get('/v1/status')).body as StatusView;

/** The status as soon as it meets the condition. */
async function until(agent: LocalAgent, so: (view: StatusView) => boolean): Promise<StatusView> {
  const deadline = AbortSignal.timeout(60_000);
  for (;;) {
    const view = await status(agent);
    if (so(view)) return view;
    if (deadline.aborted) throw new Error(`still ${JSON.stringify(view).slice(0, 2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const collectorOf = (view: StatusView, id: string) => view.collectors.find((one) => one.id === id);

test('the status contains collectors, receivers, the agent and its configuration, and no secrets', async (t) => {
  const local = await startNode(t);
  const view = await until(
    local,
    ({ cycle, exporters }) => cycle.count >= 3 && exporters[0]?.lastFailure !== undefined,
  );
  assert.equal(view.agent.node, 'n1');
  assert.equal(view.agent.cluster, 'c1');
  assert.deepEqual(view.agent.targets.node, { job: 'node-exporter', instance: 'n1', cluster: 'c1' });
  assert.ok(view.agent.rssBytes > 1e6 && view.agent.startedMs <= view.nowMs);
  assert.ok(view.cycle.nextMs > view.nowMs - 1000 && view.cycle.nextMs <= view.nowMs + 1000);
  const load = collectorOf(view, 'node.loadavg');
  assert.deepEqual([load?.state, load?.series], ['ok', 3]);
  assert.ok(load && load.durationsSeconds.length >= 3 && load.durationsSeconds.every((seconds) => seconds >= 0));
  const nothing = view.collectors.find(({ state }) => state === 'nodata');
  assert.ok((nothing?.reason ?? '') !== '', 'a collector without data has a reason');
  const [receiver] = view.exporters;
  assert.equal(receiver?.name, 'unreachable');
  assert.match(receiver.lastFailure?.text ?? '', /ECONNREFUSED/);
  assert.ok(view.topFamilies.length === 20);
  const counts = view.topFamilies.map(({ series }) => series);
  assert.deepEqual(
    counts,
    counts.toSorted((one, other) => other - one),
  );
  assert.equal(view.budgets.find(({ group }) => group === 'node')?.limit, 100_000);
  assert.deepEqual(view.control, { enabled: true, reload: true });
  const text = JSON.stringify(view);
  assert.ok(!text.includes('top-secret') && !text.includes(local.token));
  assert.ok(text.includes(join(local.folder, 'token')), 'secrets are named by their files');
  const { collectors } = (await local.get('/v1/collectors')).body as CollectorList;
  assert.deepEqual(
    collectors.map(({ id }) => id),
    view.collectors.map(({ id }) => id),
  );
});

test('the explorer finds families by words and series by labels, in pages', async (t) => {
  const local = await startNode(t);
  const families = async (search: string) => (await local.get('/v1/metrics', search)).body as FamilyPage;
  const series = async (search: string) => (await local.get('/v1/metrics', search)).body as SeriesPage;
  const found = await families('?match=CPU+seconds');
  assert.deepEqual(
    found.families.map(({ name }) => name),
    [
      'node_cpu_guest_seconds_total',
      'node_cpu_seconds_total',
      'node_pressure_cpu_waiting_seconds_total',
      'process_cpu_seconds_total',
    ],
  );
  assert.equal(found.total, 4);
  const all = await families('?limit=500');
  assert.ok(all.total > 100 && all.families.length === Math.min(all.total, 500));
  const [second] = (await families('?offset=1&limit=1')).families;
  assert.deepEqual(second, all.families[1]);
  assert.deepEqual((await families('?offset=100000')).families, []);

  const idle = await series('?name=node_cpu_seconds_total&label=mode%3Didle&label=cpu%3D0');
  assert.equal(idle.total, 1);
  assert.deepEqual(idle.series[0], {
    group: 'node',
    name: 'node_cpu_seconds_total',
    labels: { cpu: '0', mode: 'idle' },
    value: '10870.69',
    selector: 'node_cpu_seconds_total{cpu="0",mode="idle"}',
  });
  const whole = await series('?name=node_cpu_seconds_total&limit=500');
  assert.equal(whole.total, whole.family.series);
  assert.equal(whole.series.length, whole.total);
  const page = await series('?name=node_cpu_seconds_total&offset=3&limit=2');
  assert.deepEqual(page.series, whole.series.slice(3, 5));
  assert.equal(page.total, whole.total);
  const some = await series('?name=node_cpu_seconds_total&text=IRQ');
  assert.ok(some.total > 0 && some.series.every(({ labels }) => /irq/.test(labels.mode ?? '')));
  assert.equal((await series('?name=node_cpu_seconds_total&label=mode%3D')).total, 0);
  assert.equal((await series('?name=node_load1&label=cpu%3D')).total, 1);
  // The first upload is reported by the following cycle.
  await until(local, ({ cycle }) => cycle.count >= 4);
  const sums = await series('?name=firesteel_export_request_duration_seconds&text=le%3D%22%2BInf%22');
  assert.equal(sums.series[0]?.name, 'firesteel_export_request_duration_seconds_bucket');
});

test('the explorer refuses invalid queries', async (t) => {
  const { get } = await startNode(t);
  assert.equal((await get('/v1/metrics', '?name=no_such_family')).status, 404);
  assert.equal((await get('/v1/metrics', '?name=__proto__')).status, 404);
  for (const search of ['offset=-1', 'limit=x', 'offset=1e3', 'name=node_load1&label=x', `limit=${'9'.repeat(30)}`]) {
    assert.equal((await get('/v1/metrics', `?${search}`)).status, 400, search);
  }
  const many = Array.from({ length: 21 }, () => 'label=a%3Db').join('&');
  assert.equal((await get('/v1/metrics', `?name=node_load1&${many}`)).status, 400);
});

test('a collector is disabled with a reason, stays disabled across a restart, and is enabled again automatically', async (t) => {
  const local = await startNode(t);
  const answer = await local.post(DISABLE, { ttl: '2h', reason: ' slow disk ' }, 'node.loadavg');
  assert.equal(answer.status, 200);
  const { collector } = answer.body as CollectorAnswer;
  assert.equal(collector.state, 'disabled');
  assert.deepEqual(
    { ...collector.disabled, sinceMs: 0 },
    { sinceMs: 0, untilMs: (collector.disabled?.sinceMs ?? 0) + 7_200_000, reason: 'slow disk', persisted: true },
  );
  const metrics = (await local.get('/metrics')).text;
  assert.match(metrics, /^firesteel_collector_disabled\{group="node",collector="loadavg",reason="slow disk"\} 1$/m);
  assert.doesNotMatch(metrics, /^node_load1 |^firesteel_collector_success\{group="node",collector="loadavg"\}/m);
  await until(local, ({ topFamilies, cycle }) => cycle.count > 2 && topFamilies.length > 0);
  assert.equal((await local.get('/v1/metrics', '?name=node_load1')).status, 404);

  const second = await startLocalAgent(t, () => nodeConfig(local.folder));
  assert.equal(collectorOf(await status(second), 'node.loadavg')?.disabled?.reason, 'slow disk');
  await second.post(DISABLE, { ttl: '1500ms', reason: 'not for long' }, 'node.loadavg');
  const view = await until(second, (one) => collectorOf(one, 'node.loadavg')?.state === 'ok');
  assert.equal(collectorOf(view, 'node.loadavg')?.disabled, undefined);
  assert.ok(
    second.log.some(({ msg }) => msg === 'collector enabled again: the time for which it was disabled has passed'),
  );
});

test('a damaged file of disabled collectors is set aside, and visible in the metrics', async (t) => {
  const damaged = /^firesteel_disabled_collectors_file_damaged 1$/m;
  const local = await startLocalAgent(t, (folder) => {
    writeFileSync(join(folder, 'state.json'), '{"disabled":');
    return nodeConfig(folder);
  });
  assert.match((await local.get('/metrics')).text, damaged);
  await local.post(DISABLE, { ttl: '1h', reason: 'test' }, 'node.loadavg');
  assert.equal(readFileSync(join(local.folder, 'state.json.bad'), 'utf8'), '{"disabled":');
  const second = await startLocalAgent(t, () => nodeConfig(local.folder));
  assert.equal(collectorOf(await status(second), 'node.loadavg')?.disabled?.reason, 'test');
  assert.doesNotMatch((await second.get('/metrics')).text, damaged);
});

test('a disabled collector may be run for inspection, and enabled early', async (t) => {
  const { post, folder } = await startNode(t);
  await post(DISABLE, { ttl: '1h', reason: 'test' }, 'node.loadavg');
  const ran = (await post(RUN, undefined, 'node.loadavg')).body as CollectorAnswer;
  assert.equal(ran.collector.state, 'disabled');
  assert.deepEqual([ran.run?.state, ran.run?.series], ['ok', 3]);
  const enabled = (await post(ENABLE, undefined, 'node.loadavg')).body as CollectorAnswer;
  assert.equal(enabled.collector.state, 'ok');
  assert.deepEqual(JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')), { disabled: {} });
  assert.equal((await post(ENABLE, undefined, 'node.loadavg')).status, 200);
  for (const path of [RUN, ENABLE]) assert.equal((await post(path, undefined, 'node.nothing')).status, 404);
  assert.equal((await post(DISABLE, { ttl: '1h', reason: 'test' }, 'node.nothing')).status, 404);
});

test('invalid bodies change nothing', async (t) => {
  const local = await startNode(t);
  const bodies: unknown[] = [
    '',
    'null',
    '[]',
    '{"ttl":"1h"}',
    '{"ttl":"25h","reason":"too long"}',
    '{"ttl":"0s","reason":"no time"}',
    '{"ttl":"-1h","reason":"past"}',
    '{"ttl":3600,"reason":"no unit"}',
    '{"ttl":"1h","reason":""}',
    '{"ttl":"1h","reason":"   "}',
    '{"ttl":"1h","reason":"a\\nb"}',
    '{"ttl":"1h","reason":"x","extra":1}',
    '{"__proto__":{"ttl":"1h"},"reason":"x"}',
    '{"ttl":"1h","reason":"x"',
    { ttl: '1h', reason: 'x'.repeat(201) },
    `${'['.repeat(30_000)}`,
  ];
  for (const body of bodies) {
    const { status: code } = await local.post(DISABLE, body, 'node.loadavg');
    assert.equal(code, 400, JSON.stringify(body).slice(0, 100));
  }
  assert.equal((await local.post(DISABLE, 'x'.repeat(65 * 1024), 'node.loadavg')).status, 413);
  assert.equal((await local.post(DISABLE, undefined, 'node.loadavg')).status, 415);
  assert.equal((await local.post('/v1/log-level', { level: 'loud' })).status, 400);
  assert.equal(collectorOf(await status(local), 'node.loadavg')?.state, 'ok');
});

test('the log level changes temporarily and returns automatically', async (t) => {
  const local = await startNode(t);
  const set = await local.post('/v1/log-level', { level: 'debug', ttl: '300ms' });
  assert.equal((set.body as { level: string }).level, 'debug');
  assert.ok((await status(local)).agent.log.untilMs);
  const view = await until(local, ({ agent }) => agent.log.level === 'info');
  assert.equal(view.agent.log.untilMs, undefined);
  assert.equal((await local.post('/v1/log-level', { level: 'error' })).status, 200);
  assert.deepEqual((await status(local)).agent.log, { level: 'error' });
});

test('a reload is applied, or the reason reported; the status records it', async (t) => {
  const local = await startNode(t);
  const config = nodeConfig(local.folder);
  const applied = await local.post('/v1/reload');
  assert.deepEqual([applied.status, applied.body], [200, { applied: [] }]);
  local.configure({ ...config, push: { interval: 'never' } });
  const refused = await local.post('/v1/reload');
  assert.equal(refused.status, 409);
  assert.match((refused.body as ReloadView).refused?.[0] ?? '', /push\.interval/);
  const { reload } = await status(local);
  assert.match(reload?.refused?.[0] ?? '', /push\.interval/);
  local.configure({ ...config, log: { level: 'warn' } });
  assert.equal((await local.post('/v1/reload')).status, 200);
  const view = await status(local);
  assert.equal(view.reload?.refused, undefined);
  assert.equal(view.agent.log.level, 'warn');
  // The server stays at its address, with other tokens.
  const guarded = { readTokenFile: join(local.folder, 'token'), controlTokenFile: undefined };
  local.configure(nodeConfig(local.folder, guarded));
  assert.equal((await local.post('/v1/reload')).status, 200);
  assert.equal((await local.get('/v1/status')).status, 401);
  assert.equal((await local.post('/v1/reload')).status, 403);
});

test('every described path exists, and no others', async (t) => {
  const { url, agent } = await startNode(t);
  assert.ok(agent.url);
  const described = new ApiDocument().operations.filter((one) => !one.includes('/v1/ksm/'));
  for (const one of described) {
    const [method = '', path = ''] = one.split(' ');
    const { status: code, body } = await fetch(url + path.replace('{id}', 'node.loadavg'), { method });
    await body?.cancel();
    const read = path === '/v1/tasks/{id}' ? 404 : 200;
    assert.equal(code, method === 'GET' ? read : 401, one);
  }
  assert.equal((await fetch(`${url}/v1/ksm/getPodInfoByNodeName?nodeName=n1`)).status, 404);
  assert.equal((await fetch(`${url}/v1`)).status, 404);
});

test('nothing can be changed without the token, or without its file', async (t) => {
  const { post, url } = await startNode(t);
  const wrong: Record<string, string>[] = [
    {},
    { authorization: 'Bearer wrong' },
    { authorization: 'Basic bGV0LW1lLWlu' },
    { authorization: 'let-me-in' },
  ];
  const paths = new ApiDocument().operations
    .filter((one) => one.startsWith('POST ') && !one.includes('/v1/tasks'))
    .map((one) => one.slice(5));
  assert.equal(paths.length, 5);
  for (const path of paths) {
    for (const headers of wrong) {
      const { status: code, headers: back } = await post(path, undefined, 'node.loadavg', headers);
      assert.deepEqual([code, back.get('www-authenticate')], [401, 'Bearer'], path);
    }
    const get = await fetch(url + path.replace('{id}', 'node.loadavg'));
    assert.deepEqual([get.status, get.headers.get('allow')], [405, 'POST']);
  }
  const open = await startNode(t, { controlTokenFile: undefined });
  for (const path of paths) {
    const { status: code, text } = await open.post(path, undefined, 'node.loadavg');
    assert.equal(code, 403);
    assert.match(text, /http\.controlTokenFile/);
  }
  assert.equal((await status(open)).control.enabled, false);
});

test('with a token for reading, only the probes and the page’s files are open; the control token is also valid for reading', async (t) => {
  const local = await startLocalAgent(t, (folder) => {
    writeFileSync(join(folder, 'read'), 'reader');
    return nodeConfig(folder, { readTokenFile: join(folder, 'read') });
  });
  for (const path of ['/healthz', '/readyz']) assert.equal((await local.get(path)).status, 200, path);
  for (const path of ['/', '/page/index.html']) assert.equal((await fetch(local.url + path)).status, 200, path);
  for (const path of ['/metrics', '/v1/status', '/v1/collectors', '/v1/metrics', '/v1/events']) {
    assert.equal((await local.get(path)).status, 401, path);
    assert.equal((await local.get(path, '', { authorization: 'Bearer wrong' })).status, 401, path);
  }
  for (const token of ['reader', local.token]) {
    for (const path of ['/metrics', '/v1/status']) {
      assert.equal((await local.get(path, '', { authorization: `Bearer ${token}` })).status, 200, path);
    }
  }
  assert.equal((await fetch(`${local.url}/nothing`)).status, 401, 'not even unknown paths');
  assert.equal((await local.post('/v1/reload', undefined, '', { authorization: 'Bearer reader' })).status, 401);
});

test('the page and its files are served with security headers', async (t) => {
  const { url } = await startNode(t);
  const page = await fetch(url);
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
  const html = await page.text();
  const csp = page.headers.get('content-security-policy') ?? '';
  assert.match(csp, /default-src 'self'/);
  assert.match(csp, /frame-ancestors 'none'/);
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(page.headers.get('referrer-policy'), 'no-referrer');
  assert.equal(page.headers.get('access-control-allow-origin'), null);
  const files = [...html.matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)].map((match) => match[1] as string);
  assert.ok(files.length > 0);
  for (const file of files) {
    const response = await fetch(url + file);
    assert.equal(response.status, 200, file);
    const etag = response.headers.get('etag') ?? '';
    await response.text();
    assert.equal((await fetch(url + file, { headers: { 'if-none-match': etag } })).status, 304);
  }
  assert.equal((await fetch(`${url}/page/tsconfig.json`)).status, 404);
});
