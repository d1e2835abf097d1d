import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { TaskView } from '../../src/http/status-view.ts';
import { fixturePaths, scratchFolder } from '../kit/host-tree.ts';
import { type LocalAgent, startLocalAgent } from '../kit/local-agent.ts';

const load = (id: string, more = '') => `  - { id: ${id}, type: node.loadavg, interval: 1s${more} }\n`;

const config =
  (sources: object[], more: object = {}) =>
  (folder: string) => ({
    push: { interval: '1s' },
    node: 'n1',
    http: { listen: '127.0.0.1:0', controlTokenFile: join(folder, 'token'), stateFile: join(folder, 'state.json') },
    paths: fixturePaths(),
    collectors: { container: { enabled: false }, process: { enabled: false }, node: { include: ['loadavg'] } },
    sources,
    ...more,
  });

const tasksOf = async ({ get }: LocalAgent) => ((await get('/v1/tasks')).body as { tasks: TaskView[] }).tasks;
const idsOf = async (agent: LocalAgent) => (await tasksOf(agent)).map(({ id }) => id).join();

async function until(so: () => Promise<boolean>, milliseconds = 60_000): Promise<number> {
  const startedMs = performance.now();
  while (!(await so())) {
    if (performance.now() - startedMs > milliseconds) throw new Error('the condition was not met in time');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return performance.now() - startedMs;
}

/** A folder that changes like a mounted ConfigMap: files are links into `..data`, which is replaced atomically. */
function configMap(t: TestContext) {
  const folder = scratchFolder(t);
  let version = 0;
  return {
    folder,
    swap(files: Record<string, string>) {
      const data = `..v${++version}`;
      mkdirSync(join(folder, data));
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, data, name), text);
      symlinkSync(data, join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
      const known = new Set(readdirSync(folder));
      for (const name of Object.keys(files))
        if (!known.has(name)) symlinkSync(join('..data', name), join(folder, name));
    },
  };
}

test('an update of a ConfigMap is active within two seconds; unchanged tasks keep their counters; a bad file changes nothing', async (t) => {
  const map = configMap(t);
  map.swap({ 'a.yaml': `tasks:\n${load('stays')}${load('goes')}` });
  const agent = await startLocalAgent(t, config([{ directory: map.folder }]));
  await until(async () => ((await tasksOf(agent)).find(({ id }) => id === 'stays')?.runs.ok ?? 0) > 0);
  const before = (await tasksOf(agent)).find(({ id }) => id === 'stays');
  map.swap({ 'a.yaml': `tasks:\n${load('stays')}${load('comes')}` });
  const took = await until(async () => (await idsOf(agent)) === 'comes,stays');
  t.diagnostic(`live after ${Math.round(took)} ms`);
  const after = (await tasksOf(agent)).find(({ id }) => id === 'stays');
  assert.ok((after?.runs.ok ?? 0) >= (before?.runs.ok ?? 1));
  // While a task runs it has no next run yet.
  if (before?.nextMs !== undefined && after?.nextMs !== undefined) {
    const moved = (((after.nextMs - before.nextMs) % 1000) + 1500) % 1000;
    assert.ok(Math.abs(moved - 500) < 60, `the phase is the same: moved by ${moved - 500} ms`);
  }

  map.swap({
    'a.yaml': `tasks:\n${load('stays')}  - { id: bad, type: node.loadavg, intervall: 1s }\n  - { id: worse, type: nothing }\n`,
  });
  await until(async () => /^firesteel_source_up\{[^}]*\} 0$/m.test((await agent.get('/metrics')).text));
  assert.equal(await idsOf(agent), 'comes,stays');
  const problems = JSON.stringify(agent.log);
  assert.match(problems, /a\.yaml:3:\d+: tasks\.1\.intervall: unknown key; did you mean interval\?/);
  assert.match(problems, /a\.yaml:4:\d+: tasks\.2\.type: there is no type/);
  map.swap({ 'a.yaml': 'tasks: [{ id: half' });
  await until(async () => /a\.yaml:1:/.test(JSON.stringify(agent.log)));
  assert.equal(await idsOf(agent), 'comes,stays');
  map.swap({ 'a.yaml': 'http: { enabled: false }' });
  await until(async () => /this source may only set tasks/.test(JSON.stringify(agent.log)));
  map.swap({ 'a.yaml': `tasks:\n${load('again')}` });
  await until(async () => (await idsOf(agent)) === 'again');
  await until(async () => /^firesteel_source_up\{[^}]*\} 1$/m.test((await agent.get('/metrics')).text));
  const { text } = await agent.get('/metrics');
  assert.match(text, /^firesteel_source_hash_info\{source="[^"]+",hash="[0-9a-f]+"\} 1$/m);
  const [, seconds] = /^firesteel_source_last_success_timestamp_seconds\{[^}]*\} (\S+)$/m.exec(text) ?? [];
  assert.ok(
    Math.abs(Number(seconds) - Date.now() / 1000) < 600,
    `firesteel_source_last_success_timestamp_seconds ${seconds}`,
  );
});

test('an id that exists in a source with precedence is refused from another one', async (t) => {
  const map = configMap(t);
  map.swap({ 'a.yaml': `tasks:\n${load('mine')}${load('theirs')}` });
  const mine = { id: 'mine', type: 'node.loadavg', interval: '1s', labels: { from: 'file' } };
  const agent = await startLocalAgent(t, config([{ directory: map.folder }], { tasks: [mine] }));
  assert.deepEqual(
    (await tasksOf(agent)).map(({ id, source }) => `${id} ${source}`),
    ['mine file', 'theirs directory'],
  );
  const added = await agent.send('POST', '/v1/tasks', { body: { tasks: [{ id: 'theirs', type: 'node.loadavg' }] } });
  assert.equal(added.status, 409);
});

/** A registry with configurable responses. */
async function registry(t: TestContext) {
  const state = { status: 200, text: '', etag: '"1"', asked: 0, notModified: 0, type: 'application/yaml' };
  const server = createServer(({ headers, url }, response) => {
    state.asked++;
    if (state.status === 0) return;
    if (state.status === 200 && headers['if-none-match'] === state.etag) {
      state.notModified++;
      response.writeHead(304).end();
      return;
    }
    response.writeHead(state.status, { etag: state.etag, 'content-type': state.type, location: '/elsewhere' });
    response.end(state.text.replaceAll('{path}', url ?? ''));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { state, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/nodes/{node}/tasks.yaml` };
}

test('a registry is requested with its ETag; failures change nothing; a restart uses the stored copy', async (t) => {
  const { state, url } = await registry(t);
  state.text = `tasks:\n${load('one')}`;
  const agent = await startLocalAgent(t, config([{ url, every: '1s' }]));
  await until(async () => (await idsOf(agent)) === 'one');
  await until(async () => state.notModified > 0);
  state.text = `tasks:\n${load('two')}`;
  state.etag = '"2"';
  const took = await until(async () => (await idsOf(agent)) === 'two');
  t.diagnostic(`live after ${Math.round(took)} ms`);
  const good = { ...state };
  const bad: [Partial<typeof state>, RegExp][] = [
    [{ status: 500, text: 'oops' }, /responded with 500/],
    [{ status: 302, text: '' }, /responded with 302, redirects/],
    [{ text: '<html><body>hello</body></html>', etag: '"3"' }, /expected a mapping/],
    [{ text: `tasks: ${'x'.repeat(2 * 1024 * 1024)}`, etag: '"4"' }, /larger than 1048576 bytes/],
    [{ text: 'tasks: [{ id: a, type: nothing }]', etag: '"5"' }, /there is no type/],
  ];
  for (const [answer, problem] of bad) {
    Object.assign(state, answer);
    await until(async () => problem.test(JSON.stringify(agent.log)));
    assert.equal(await idsOf(agent), 'two');
    await until(async () => /^firesteel_source_up\{[^}]*\} 0$/m.test((await agent.get('/metrics')).text));
    Object.assign(state, good);
    await until(async () => /^firesteel_source_up\{[^}]*\} 1$/m.test((await agent.get('/metrics')).text));
  }
  const copy = readdirSync(agent.folder).find((name) => name.startsWith('.source-')) ?? '';
  const kept = readFileSync(join(agent.folder, copy), 'utf8');
  const restart = (text: string) =>
    startLocalAgent(t, (folder) => {
      writeFileSync(join(folder, copy), text);
      return config([{ url, every: '1s' }])(folder);
    });
  assert.equal(await idsOf(await restart(kept)), 'two', 'at once, without a response');
  const damaged = await restart(kept.slice(0, -10));
  assert.equal(await idsOf(damaged), '');
  assert.match(JSON.stringify(damaged.log), /is damaged/);
});

test('a source counts as read when it has responded: at a restart when the stored copy was read, without one not yet', async (t) => {
  const { state, url } = await registry(t);
  state.text = `tasks:\n${load('one')}`;
  const sources = [{ url, every: '1s' }];
  const metric = async (agent: LocalAgent, name: string) =>
    new RegExp(`^firesteel_source_${name}\\{[^}]*\\} (\\S+)$`, 'm').exec((await agent.get('/metrics')).text)?.[1];
  const agent = await startLocalAgent(t, config(sources));
  const stored = () => readdirSync(agent.folder).find((name) => name.startsWith('.source-'));
  await until(async () => stored() !== undefined);
  const copy = readFileSync(join(agent.folder, stored() ?? ''), 'utf8');

  state.status = 0;
  const fresh = await startLocalAgent(t, config(sources));
  await until(async () => /^firesteel_build_info\{/m.test((await fresh.get('/metrics')).text));
  assert.deepEqual(
    [await metric(fresh, 'up'), await metric(fresh, 'last_success_timestamp_seconds')],
    [undefined, undefined],
  );

  const fetchedMs = Date.now() - 3_600_000;
  const restarted = await startLocalAgent(t, (folder) => {
    writeFileSync(join(folder, stored() ?? ''), JSON.stringify({ ...JSON.parse(copy), fetchedMs }));
    return config(sources)(folder);
  });
  await until(async () => (await idsOf(restarted)) === 'one');
  assert.deepEqual(
    [await metric(restarted, 'up'), Number(await metric(restarted, 'last_success_timestamp_seconds'))],
    ['1', fetchedMs / 1000],
  );
});

test('labels of a file are on all its tasks, unless they have their own or the source may not set them', async (t) => {
  const [first, second] = [configMap(t), configMap(t)];
  first.swap({
    'a.yaml': `labels: { team: infra, site: north }\ntasks:\n${load('a')}${load('b', ', labels: { team: web }')}`,
  });
  second.swap({ 'c.yaml': `labels: { team: infra }\ntasks:\n${load('c')}` });
  const sources = [{ directory: first.folder }, { directory: second.folder, allow: ['tasks'] }];
  const agent = await startLocalAgent(t, config(sources));
  assert.equal(await idsOf(agent), 'a,b');
  const metrics = async () => (await fetch(`${agent.url}/metrics`)).text();
  await until(async () => /^node_load1\{(?=.*task="a")(?=.*team="infra").*site="north"/m.test(await metrics()));
  await until(async () => /^node_load1\{(?=.*task="b")(?=.*team="web").*site="north"/m.test(await metrics()));
  const refusal = /c\.yaml:1:\d+: labels: this source may only set tasks/;
  await until(async () => refusal.test(JSON.stringify(agent.log)));
});
