import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { TaskView } from '../../src/http/status-view.ts';
import { fixturePaths } from '../kit/host-tree.ts';
import { type Answer, type LocalAgent, startLocalAgent } from '../kit/local-agent.ts';

const TASKS = '/v1/tasks';
const TASK = '/v1/tasks/{id}';

/** A server that records the times of requests by path. */
async function target(t: TestContext) {
  const asked = new Map<string, number[]>();
  const server = createServer(({ url = '' }, response) => {
    asked.set(url, [...(asked.get(url) ?? []), performance.now()]);
    if (url !== '/never') response.end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const config =
  (more: object = {}) =>
  (folder: string) => ({
    push: { interval: '1s' },
    node: 'n1',
    cluster: 'c1',
    http: { listen: '127.0.0.1:0', controlTokenFile: join(folder, 'token'), stateFile: join(folder, 'state.json') },
    paths: fixturePaths(),
    collectors: { container: { enabled: false }, process: { enabled: false }, node: { include: ['loadavg'] } },
    taskRunner: { allowFromApi: ['http'] },
    ...more,
  });

const http = (id: string, url: string, more: object = {}) => ({ id, type: 'http', targets: [url], ...more });

const listOf = async ({ get }: LocalAgent) => ((await get(TASKS)).body as { tasks: TaskView[] }).tasks;
const taskOf = async (agent: LocalAgent, id: string) => (await listOf(agent)).find((task) => task.id === id);

async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = AbortSignal.timeout(60_000);
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (deadline.aborted) throw new Error('the condition was not met in time');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const expected = ({ status, body }: Answer, wanted: number) => {
  assert.equal(status, wanted, JSON.stringify(body));
  return body as Record<string, unknown>;
};

test('tasks are added, shown, run, replaced and removed while the agent runs', async (t) => {
  const { url, asked } = await target(t);
  const agent = await startLocalAgent(t, config());
  assert.deepEqual(await listOf(agent), []);
  const added = await agent.send('POST', TASKS, { body: { tasks: [http('shop', url, { interval: '1s' })] } });
  assert.deepEqual(expected(added, 201), { added: ['shop'], unchanged: [], persisted: true });
  const shown = await until(async () => {
    const task = await taskOf(agent, 'shop');
    return task?.result === 'ok' ? task : undefined;
  });
  assert.ok(shown.series >= 3);
  assert.equal(shown.source, 'api');
  assert.ok((shown.nextMs ?? 0) > Date.now() - 1500);
  await until(async () =>
    /^probe_success\{job="blackbox-exporter",instance="http:[^}]*\} 1$/m.test((await agent.get('/metrics')).text)
      ? true
      : undefined,
  );
  const metrics = (await agent.get('/metrics')).text;
  assert.match(metrics, /^firesteel_task_runs_total\{id="shop",type="http",result="ok"\} [1-9]/m);
  assert.match(metrics, /^firesteel_tasks\{type="http",source="api",state="\w+"\} 1$/m);
  assert.match(metrics, /^firesteel_task_changes_total\{action="added",source="api"\} 1$/m);
  const ran = expected(await agent.send('POST', `${TASK}/run`, { id: 'shop' }), 200);
  assert.equal((ran.run as { result: string }).result, 'ok');
  const changed = http('shop', `${url}/other`, { interval: '1s' });
  assert.deepEqual(expected(await agent.send('PUT', TASK, { id: 'shop', body: changed }), 200).changed, ['shop']);
  assert.deepEqual(expected(await agent.send('PUT', TASK, { id: 'shop', body: changed }), 200).unchanged, ['shop']);
  await until(async () => asked.get('/other')?.length);
  assert.deepEqual(expected(await agent.send('DELETE', TASK, { id: 'shop' }), 200).removed, ['shop']);
  assert.deepEqual(await listOf(agent), []);
  await until(async () => (/^probe_success/m.test((await agent.get('/metrics')).text) ? undefined : true));
});

test('a request with one bad task changes nothing, and reports every problem', async (t) => {
  const { url } = await target(t);
  const agent = await startLocalAgent(t, config({ tasks: [http('mine', url)] }));
  const tasks = Array.from({ length: 50 }, (_, index) => http(`t${index}`, url));
  const bad = [...tasks.slice(0, 49), { id: 't49', type: 'htp', targets: [url] }];
  const refused = expected(await agent.send('POST', TASKS, { body: { tasks: bad } }), 422);
  assert.match(JSON.stringify(refused.problems), /there is no type \\"htp\\"; did you mean http/);
  assert.equal((await listOf(agent)).length, 1);
  const wrong = [
    http('Big', url),
    http('fast', url, { interval: '500ms' }),
    http('slow', url, { interval: '2s', timeout: '3s' }),
    http('odd', url, { intervall: '5s' }),
    { id: 'none', type: 'http', targets: [] },
    http('labels', url, { labels: { instance: 'x' } }),
    http('twice', url),
    http('twice', url),
  ];
  const { problems } = expected(await agent.send('POST', TASKS, { body: { tasks: wrong } }), 422) as {
    problems: { id: string; path: string; message: string }[];
  };
  const text = problems.map(({ id, path, message }) => `${id} ${path} ${message}`).join('\n');
  for (const each of [
    /^Big id expected a-z/m,
    /^fast interval must be at least 1s/m,
    /^slow timeout must be at most the interval, 2s/m,
    /^odd intervall unknown key; did you mean interval\?/m,
    /^none targets /m,
    /^labels labels\S* job, instance, task, script are set by the agent/m,
    /^twice id duplicate task id twice/m,
  ]) {
    assert.match(text, each);
  }
  const taken = expected(
    await agent.send('POST', TASKS, { body: { tasks: [http('mine', url), { ...http('new', url), intervall: '1s' }] } }),
    409,
  );
  assert.deepEqual([taken.conflicts, taken.sources], [['mine'], { mine: 'file' }]);
  assert.deepEqual(taken.problems, [{ id: 'new', path: 'intervall', message: 'unknown key; did you mean interval?' }]);
  assert.equal((await listOf(agent)).length, 1);
  const many = Array.from({ length: 1500 }, (_, index) => http(`m${index}`, url));
  const over = expected(await agent.send('POST', TASKS, { body: { tasks: many } }), 422);
  assert.match(JSON.stringify(over), /1501 tasks, but at most 1000 are allowed: see taskRunner.max/);
});

test('unknown ids, tasks of other sources, dry runs, equal tasks, no token', async (t) => {
  const { url } = await target(t);
  const agent = await startLocalAgent(t, config({ tasks: [http('mine', url)] }));
  const post = (tasks: object[], search = '') => agent.send('POST', TASKS, { body: { tasks }, search });
  assert.deepEqual(expected(await agent.send('DELETE', TASK, { id: 'nobody' }), 404).unknown, ['nobody']);
  assert.deepEqual(expected(await agent.send('DELETE', TASK, { id: 'mine' }), 409).sources, { mine: 'file' });
  expected(await agent.send('POST', `${TASK}/run`, { id: 'nobody' }), 404);
  const dry = await post([http('a', url)], '?dryRun=true');
  assert.deepEqual(expected(dry, 201), { added: ['a'], unchanged: [], dryRun: true });
  assert.equal((await listOf(agent)).length, 1);
  expected(await post([http('a', url)]), 201);
  assert.deepEqual(expected(await post([http('a', url)]), 409).conflicts, ['a']);
  assert.deepEqual(expected(await post([http('a', url)], '?ifEqual=keep'), 200).unchanged, ['a']);
  const all = await agent.send('PUT', TASKS, { body: { tasks: [http('a', url), http('b', url)] } });
  assert.deepEqual(expected(all, 200), { added: ['b'], changed: [], removed: [], unchanged: ['a'], persisted: true });
  const gone = await agent.send('DELETE', TASKS, { body: { ids: ['a', 'b', 'nobody'] } });
  assert.deepEqual(expected(gone, 404).unknown, ['nobody']);
  expected(await agent.send('DELETE', TASKS, { body: { ids: ['a', 'b'] } }), 200);
  assert.deepEqual(
    (await listOf(agent)).map(({ id }) => id),
    ['mine'],
  );
  const bare = await fetch(agent.url + TASKS, { method: 'POST', body: '{}' });
  assert.equal(bare.status, 401);
});

test('disabled tasks do not run, and run again when enabled', async (t) => {
  const { url, asked } = await target(t);
  const agent = await startLocalAgent(t, config({ tasks: [http('mine', url, { interval: '1s' })] }));
  await until(async () => asked.get('/')?.length);
  const body = { ttl: '10m', reason: 'maintenance' };
  expected(await agent.send('POST', `${TASK}/disable`, { id: 'mine', body }), 200);
  const task = await until(async () => {
    const found = await taskOf(agent, 'mine');
    return (found?.skipped.disabled ?? 0) > 0 ? found : undefined;
  });
  assert.equal(task.state, 'disabled');
  assert.equal(task.reason, 'maintenance');
  const before = asked.get('/')?.length ?? 0;
  expected(await agent.send('POST', `${TASK}/enable`, { id: 'mine' }), 200);
  await until(async () => ((asked.get('/')?.length ?? 0) > before ? true : undefined));
});

test('tasks of the API survive a restart; a damaged file is set aside', async (t) => {
  const { url } = await target(t);
  const first = await startLocalAgent(t, config());
  expected(await first.send('POST', TASKS, { body: { tasks: [http('a', url)] } }), 201);
  const text = readFileSync(join(first.folder, 'tasks.json'), 'utf8');
  const start = (content: string) =>
    startLocalAgent(t, (folder) => {
      writeFileSync(join(folder, 'tasks.json'), content);
      return config()(folder);
    });
  assert.equal((await listOf(await start(text)))[0]?.id, 'a');
  for (const damage of [text.slice(0, -20), text.replace('"http"', '"htpp"'), '', '{"version":2}']) {
    const agent = await start(damage);
    assert.deepEqual(await listOf(agent), []);
    assert.equal(readFileSync(join(agent.folder, 'tasks.json.bad'), 'utf8'), damage);
    assert.match((await agent.get('/metrics')).text, /^firesteel_tasks_file_damaged 1$/m);
  }
});

test('the API gives no access to addresses of the host, unless the configuration allows it', async (t) => {
  const { url, asked } = await target(t);
  const agent = await startLocalAgent(t, config({ taskRunner: {} }));
  expected(await agent.send('POST', TASKS, { body: { tasks: [http('a', url, { interval: '1s' })] } }), 201);
  await until(async () => ((await taskOf(agent, 'a'))?.runs.ok ? true : undefined));
  assert.equal(asked.size, 0);
});

test('a node collector as a task: its own interval, and the label task if its families are duplicated', async (t) => {
  const tasks = [
    { id: 'fast-load', type: 'node.loadavg', interval: '1s' },
    { id: 'mem', type: 'node.meminfo', interval: '1s' },
  ];
  const agent = await startLocalAgent(t, config({ tasks }));
  const text = await until(async () => {
    const { text: metrics } = await agent.get('/metrics');
    return /node_load1\{task/.test(metrics) && /node_memory_MemTotal_bytes/.test(metrics) ? metrics : undefined;
  });
  assert.match(text, /^node_load1 [\d.]+$/m);
  assert.match(text, /^node_load1\{task="fast-load"\} [\d.]+$/m);
  assert.match(text, /^node_memory_MemTotal_bytes \d+$/m);
});

test('bad tasks of the configuration are refused with their position, at startup and on a reload', async (t) => {
  const bad = { tasks: [{ id: 'a', type: 'http', targets: ['http://x'], interval: '100ms' }] };
  await assert.rejects(startLocalAgent(t, config(bad)), /config.yaml:1:\d+: tasks.0.interval: must be at least 1s/);
  const { url, asked } = await target(t);
  const good = config({ tasks: [http('a', url, { interval: '1s' })] });
  const agent = await startLocalAgent(t, good);
  await until(async () => asked.get('/')?.length);
  agent.configure(config(bad)(agent.folder));
  assert.equal((await agent.post('/v1/reload')).status, 409);
  assert.equal((await listOf(agent)).length, 1);
  agent.configure(config({ tasks: [http('b', `${url}/b`, { interval: '1s' })] })(agent.folder));
  const { applied } = (await agent.post('/v1/reload')).body as { applied: string[] };
  assert.deepEqual(applied.sort(), ['tasks.a', 'tasks.b']);
  await until(async () => asked.get('/b')?.length);
});

test('removing a task whose run hangs ends the run; the others continue', async (t) => {
  const { url, asked } = await target(t);
  const agent = await startLocalAgent(t, config({ tasks: [http('mine', `${url}/mine`, { interval: '1s' })] }));
  const hangs = http('hangs', `${url}/never`, { interval: '10s', timeout: '9s', offset: '0s' });
  expected(await agent.send('POST', TASKS, { body: { tasks: [hangs] } }), 201);
  void agent.send('POST', `${TASK}/run`, { id: 'hangs' });
  await until(async () => asked.get('/never')?.length);
  const startedMs = performance.now();
  expected(await agent.send('DELETE', TASK, { id: 'hangs' }), 200);
  assert.ok(performance.now() - startedMs < 8000, 'it did not wait for the timeout');
  const before = asked.get('/mine')?.length ?? 0;
  await until(async () => ((asked.get('/mine')?.length ?? 0) > before ? true : undefined));
});
