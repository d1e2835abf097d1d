import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { Counter, Histogram, Pushgateway, Registry } from 'prom-client';
import { fixturePaths, scratchFolder } from '../kit/host-tree.ts';
import { type LocalAgent, startLocalAgent } from '../kit/local-agent.ts';
import { serverAvailable } from '../kit/servers.ts';
import { startVictoriaMetrics } from '../kit/victoria-metrics.ts';

const run = promisify(execFile);

const startAgent = (t: TestContext, localPush: object = {}, more: object = {}) =>
  startLocalAgent(t, (folder) => ({
    push: { interval: '1s' },
    node: 'n1',
    http: { listen: '127.0.0.1:0', controlTokenFile: join(folder, 'token') },
    paths: fixturePaths(),
    collectors: { container: { enabled: false }, process: { enabled: false }, node: { include: ['loadavg'] } },
    localPush: { enabled: true, tokenFile: join(folder, 'token'), socket: join(folder, 'push.sock'), ...localPush },
    ...more,
  }));

const push = async (
  { url, token }: LocalAgent,
  path: string,
  body: string | Buffer,
  { method = 'POST', headers = {} as Record<string, string> } = {},
) => {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(method !== 'DELETE' && { body: typeof body === 'string' ? body : new Uint8Array(body) }),
  });
  return { status: response.status, text: await response.text() };
};

/** The series of /metrics, once a collection fulfils `so`. */
async function metrics({ get }: LocalAgent, so: (text: string) => boolean): Promise<string> {
  const deadline = AbortSignal.timeout(60_000);
  for (;;) {
    const { text } = await get('/metrics');
    if (so(text)) return text;
    if (deadline.aborted)
      throw new Error(
        `still\n${text
          .split('\n')
          .filter((line) => !line.startsWith('node_'))
          .join('\n')}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('equal series of two groups are found, in whatever order their labels are', async (t) => {
  const agent = await startAgent(t);
  assert.equal((await push(agent, '/metrics/job/a/zone/z', 'x{kind="k",unit="u"} 1\n')).status, 200);
  assert.equal((await push(agent, '/metrics/job/a/unit/u', 'x{zone="z",kind="k"} 2\ny 1\n')).status, 200);
  const text = await metrics(agent, (all) => /^y\{/m.test(all));
  assert.deepEqual(text.match(/^x\{.*/gm), ['x{job="a",kind="k",unit="u",zone="z"} 1']);
});

test('groups as in a Pushgateway: PUT replaces, POST replaces families, DELETE ends; base64; JSON; gzip', async (t) => {
  const agent = await startAgent(t);
  assert.equal((await push(agent, '/metrics/job/backup/instance/db1', 'a 1\nb 2\n', { method: 'PUT' })).status, 200);
  assert.equal((await push(agent, '/metrics/job/backup/instance/db1', 'b 3')).status, 200);
  let text = await metrics(agent, (all) => /^b\{job="backup",instance="db1"\} 3$/m.test(all));
  assert.match(text, /^a\{job="backup",instance="db1"\} 1$/m);
  assert.match(text, /^push_time_seconds\{job="backup",instance="db1"\} 1\d{9}/m);
  assert.match(text, /^push_failure_time_seconds\{job="backup",instance="db1"\} 0$/m);
  await push(agent, '/metrics/job/backup/instance/db1', 'b 4\n', { method: 'PUT' });
  text = await metrics(agent, (all) => /^b\{job="backup",instance="db1"\} 4$/m.test(all));
  assert.doesNotMatch(text, /^a\{/m);
  await push(
    agent,
    `/metrics/job@base64/${Buffer.from('a/b').toString('base64url')}/path@base64/${Buffer.from('/x').toString('base64url')}`,
    'c 1\n',
  );
  await metrics(agent, (all) => /^c\{job="a\/b",path="\/x"\} 1$/m.test(all));
  await push(agent, '/metrics/job/parts', '# TYPE s summary\ns_sum 1\n# TYPE s_count counter\ns_count 1\n');
  await metrics(agent, (all) => /^# TYPE s_count counter\ns_count\{job="parts"\} 1$/m.test(all));
  await push(agent, '/metrics/job/help', '# HELP d One.\nd 1\n');
  await metrics(agent, (all) => all.includes('# HELP d One.\n'));
  await push(agent, '/metrics/job/help', '# HELP d Two.\nd 1\n');
  await metrics(agent, (all) => all.includes('# HELP d Two.\n'));
  const json = JSON.stringify([{ name: 'disk.used', tags: { dev: 'sda' }, value: 1.5, timestamp: 1_700_000_000 }]);
  assert.equal((await push(agent, '/v1/push/seed', json)).status, 200);
  await metrics(agent, (all) => /^disk_used\{job="seed",dev="sda"\} 1.5$/m.test(all));
  assert.equal(
    (await push(agent, '/metrics/job/z', gzipSync('zipped 1\n'), { headers: { 'content-encoding': 'gzip' } })).status,
    200,
  );
  assert.equal((await push(agent, '/metrics/job/backup/instance/db1', '', { method: 'DELETE' })).status, 202);
  text = await metrics(agent, (all) => !/^b\{/m.test(all) && /^zipped/m.test(all));
  assert.match(text, /^firesteel_push_series\{job="z"\} 1$/m);
  assert.match(text, /^firesteel_push_requests_total\{code="200"\} [1-9]/m);
});

test('invalid pushes are refused with their line, and change nothing', async (t) => {
  const agent = await startAgent(t, { limits: { series: 20, jobs: 2 } });
  await push(agent, '/metrics/job/good', '# TYPE g gauge\ng 1\n');
  const many = Array.from({ length: 21 }, (_, index) => `m{i="${index}"} 1`).join('\n');
  const cases: [path: string, body: string | Buffer, status: number, message: RegExp][] = [
    ['/metrics/job/good', 'g 1\nhalf li', 400, /line 2/],
    ['/metrics/job/good', 'g 1 1700000000000\n', 400, /timestamp/],
    ['/metrics/job/good', 'g 1\ng 2\n', 400, /duplicate series/],
    ['/metrics/job/other', '# TYPE g counter\ng 1\n', 409, /g is a gauge in another group, but a counter here/],
    ['/metrics/job/good', 'node_load1 1\n', 409, /node_load1 is a family of node.loadavg/],
    ['/metrics/job/good', 'firesteel_export_request_duration_seconds_sum 1\n', 409, /_sum is a family of agent/],
    ['/metrics/job/good', '# TYPE node_load1 gauge\nnode_load1 1\n', 409, /node_load1 is a family of node.loadavg/],
    ['/metrics/job/good', 'push_time_seconds 1\n', 400, /a metric of the agent itself/],
    ['/metrics/job/good', `${many}\n`, 413, /would have 22 series, at most 20/],
    ['/metrics/job/good', 'x'.repeat(10 * 1024 * 1024), 413, /larger than 1024 KiB/],
    ['/metrics/job/good', gzipSync(Buffer.alloc(10 * 1024 * 1024, 'x 1\n')), 413, /when decoded/],
    ['/metrics/job/good/instance', 'g 1\n', 400, /pairs of/],
    ['/metrics/job/good/__x/1', 'g 1\n', 400, /not a label name/],
    ['/metrics/nojob/x', 'g 1\n', 400, /expected \/metrics\/job/],
    ['/metrics/job/good?ttl=2d', 'g 1\n', 400, /ttl/],
    ['/v1/push/good', '[{"name":"x","value":"y"}]', 400, /entry 0: x has a value that is not a number/],
    ['/v1/push/good', '[{"name":"x","tags":{"":"y"},"value":1}]', 400, /entry 0: x has a tag without a name/],
    ['/v1/push/good', '[{"name":"x","tags":{"a.b":"y","a_b":"z"},"value":1}]', 400, /two tags that both map to a_b/],
    [
      '/v1/push/good',
      '[{"name":"x","tags":{"a":1,"b":2},"value":1},{"name":"x","tags":{"b":2,"a":1},"value":1}]',
      400,
      /entry 1: x has a duplicate series/,
    ],
  ];
  for (const [path, body, status, message] of cases) {
    const headers: Record<string, string> = typeof body === 'string' ? {} : { 'content-encoding': 'gzip' };
    const answer = await push(agent, path, body, { headers });
    assert.equal(answer.status, status, `${path} ${answer.text}`);
    assert.match(answer.text, message, path);
  }
  await push(agent, '/metrics/job/second', 'h 1\n');
  assert.equal((await push(agent, '/metrics/job/third', 'h 1\n')).status, 429);
  const text = await metrics(agent, (all) => /^h\{/m.test(all));
  assert.match(text, /^g\{job="good"\} 1$/m);
  assert.match(text, /^push_failure_time_seconds\{job="good"\} 1\d{9}/m);
  assert.match(text, /^node_load1 [\d.]+$/m);
  assert.equal((await fetch(`${agent.url}/metrics/job/x`, { method: 'POST', body: 'a 1' })).status, 401);
});

test('ten thousand pushes per minute: the limit is enforced, the agent continues', async (t) => {
  const agent = await startAgent(t, { limits: { pushesPerMinute: 200 } });
  const codes = new Map<number, number>();
  const began = performance.now();
  for (let round = 0; round < 400; round++) {
    const answers = await Promise.all(Array.from({ length: 25 }, () => push(agent, '/metrics/job/x', 'a 1\n')));
    for (const { status } of answers) codes.set(status, (codes.get(status) ?? 0) + 1);
  }
  const minutes = Math.ceil((performance.now() - began) / 60_000);
  const [taken = 0, refused = 0] = [codes.get(200), codes.get(429)];
  assert.equal(taken + refused, 10_000, [...codes].join(' '));
  assert.ok(taken >= 200 && taken <= 200 * (minutes + 1), `${taken} taken in ${minutes} minutes`);
  assert.match(await metrics(agent, (all) => /^a\{job="x"\} 1$/m.test(all)), /^node_load1 /m);
});

test('the unix socket accepts pushes without a token, from curl too', async (t) => {
  const agent = await startAgent(t);
  const socket = join(agent.folder, 'push.sock');
  assert.equal(statSync(socket).mode & 0o777, 0o660);
  const status = await new Promise<number>((resolve, reject) => {
    const sent = request({ socketPath: socket, path: '/metrics/job/unix', method: 'POST' }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end('from_socket 1\n');
  });
  assert.equal(status, 200);
  await metrics(agent, (all) => /^from_socket\{job="unix"\} 1$/m.test(all));
  const curl = ['/usr/bin/curl', '/bin/curl'].find((path) => existsSync(path));
  if (curl === undefined) return;
  const file = join(agent.folder, 'body');
  writeFileSync(file, 'from_curl 1\n');
  await run(curl, [
    '--fail',
    '--silent',
    '--unix-socket',
    socket,
    '--data-binary',
    `@${file}`,
    'http://x/metrics/job/backup',
  ]);
  await metrics(agent, (all) => /^from_curl\{job="backup"\} 1$/m.test(all));
});

test("prom-client's Pushgateway client: its series arrive under job and instance as given, and end after the TTL", {
  timeout: 120_000,
}, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const vm = await startVictoriaMetrics(t, scratchFolder(t));
  const agent = await startAgent(
    t,
    { ttl: '15s' },
    { cluster: 'c1', exporters: { vm: { type: 'vmagent', url: vm.url } } },
  );
  const registry = new Registry();
  new Counter({ name: 'jobs_done_total', help: 'Jobs.', registers: [registry] }).inc(3);
  new Histogram({ name: 'job_seconds', help: 'Time.', buckets: [1, 5], registers: [registry] }).observe(2);
  const client = new Pushgateway(agent.url, { headers: { authorization: `Bearer ${agent.token}` } }, registry);
  await client.pushAdd({ jobName: 'nightly', groupings: { instance: 'db1' } });
  const query = 'jobs_done_total{job="nightly",instance="db1",cluster="c1",node="n1"}';
  await vm.until(query, ([found]) => found?.value === 3);
  await vm.until('job_seconds_bucket{job="nightly",le="5"}', ([found]) => found?.value === 1);
  await vm.until(query, (found) => found.length === 0, 60_000);
  await metrics(agent, (all) => /^firesteel_push_expired_total 1$/m.test(all));
});
