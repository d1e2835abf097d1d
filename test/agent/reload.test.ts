import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type AgentProcess, startAgentProcess } from '../kit/agent.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { samplesOf } from '../kit/samples.ts';
import { until } from '../kit/until.ts';

/** A receiver that accepts everything and records the timestamps of each job, and the time and form of requests. */
async function recordingReceiver(t: TestContext) {
  const stamps = new Map<string, number[]>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://receiver');
    const job = /\/job\/([^/]+)/.exec(url.pathname)?.[1] ?? '';
    request.resume().on('end', () => {
      stamps.set(job, [...(stamps.get(job) ?? []), Number(url.searchParams.get('timestamp'))]);
      response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stamps };
}

/** The agent with a configuration file that the test writes; `reload` resolves to the agent's message about it. */
async function reloadable(t: TestContext, first: object, nodeFlags: readonly string[] = []) {
  const file = join(scratchFolder(t), 'config.yaml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(first));
  const agent = startAgentProcess(t, ['run', '--config', file, '--http.listen', '127.0.0.1:0'], {}, nodeFlags);
  await agent.printed(/"msg":"started"/);
  const url = /"http":"([^"]+)"/.exec(agent.stderr())?.[1] ?? '';
  // SIGHUP is handled after the first cycle.
  const deadline = AbortSignal.timeout(60_000);
  while ((await fetch(`${url}/readyz`, { signal: deadline })).status !== 200) {}
  let seen = 0;
  const outcomes = () => linesOf(agent).filter(({ msg }) => /configuration/.test(msg));
  return {
    agent,
    url,
    async reload(config: unknown) {
      writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
      agent.child.kill('SIGHUP');
      const late = AbortSignal.timeout(60_000);
      while (outcomes().length <= seen) {
        assert.ok(!late.aborted && agent.child.exitCode === null, agent.stderr());
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return outcomes()[seen++] as Line;
    },
  };
}

interface Line {
  readonly msg: string;
  readonly applied?: readonly string[];
  readonly reason?: string;
}

const linesOf = (agent: AgentProcess): Line[] =>
  agent
    .stderr()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Line);

const base = (url: string) => ({
  node: 'n1',
  push: { interval: '1s', phase: '0s' },
  exporters: { vm: { type: 'vmagent', url, compression: 'zstd' } },
});

test('a reload applies and reports the differences; an invalid one is refused', {
  timeout: 120_000,
}, async (t) => {
  const [first, second] = [await recordingReceiver(t), await recordingReceiver(t)];
  const began = Date.now() / 1000;
  const { url, reload } = await reloadable(t, base(first.url));
  assert.deepEqual((await reload(base(first.url))).applied, []);
  assert.deepEqual((await reload({ ...base(first.url), collectors: { node: { exclude: ['cpu'] } } })).applied, [
    'collectors.node',
  ]);
  const samples = async () => samplesOf(await (await fetch(`${url}/metrics`)).text());
  const names = [...(await samples()).keys()];
  assert.ok(!names.some((key) => key.startsWith('node_cpu_seconds_total')));
  assert.ok(names.some((key) => key.startsWith('node_load1{')));

  const moved = { ...base(second.url), collectors: { node: { exclude: ['cpu'] } } };
  assert.deepEqual((await reload(moved)).applied, ['exporters.vm']);
  await until(() => (second.stamps.get('node-exporter')?.length ?? 0) >= 2);

  const refused = await reload('push: {intervall: 5s}');
  assert.match(refused.msg, /refused/);
  assert.match(refused.reason ?? '', /intervall.*did you mean.*interval/);
  const unreadable = await reload({ ...moved, http: { tls: { certFile: '/no/cert', keyFile: '/no/key' } } });
  assert.match(unreadable.reason ?? '', /\/no\/cert/);
  const before = second.stamps.get('node-exporter')?.length ?? 0;
  await until(() => (second.stamps.get('node-exporter')?.length ?? 0) >= before + 2);
  const after = await samples();
  assert.equal(after.get('firesteel_config_last_reload_successful{}'), 0);
  assert.ok((after.get('firesteel_config_last_applied_timestamp_seconds{}') ?? 0) > began);
  assert.equal(after.get('firesteel_config_reloads_total{result="refused"}'), 2);
  assert.equal(after.get('firesteel_config_reloads_total{result="applied"}'), 3);
});

test('200 reloads during pushes: no cycle is lost or duplicated, and memory does not grow', {
  timeout: 240_000,
}, async (t) => {
  const receiver = await recordingReceiver(t);
  // With a small heap V8 collects garbage early, so that growth means retained memory.
  const { agent, reload } = await reloadable(t, base(receiver.url), ['--max-old-space-size=48']);
  const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${agent.child.pid}/status`, 'utf8'))?.[1]) / 1024;
  let warm = 0;
  for (let count = 1; count <= 200; count++) {
    const usual = count % 2 === 0;
    const { applied } = await reload({
      ...base(receiver.url),
      labels: usual ? {} : { unusual: 'yes' },
      collectors: { process: { enabled: usual }, node: { exclude: usual ? [] : ['arp'] } },
    });
    assert.deepEqual([...(applied ?? [])].sort(), ['collectors.node', 'collectors.process', 'exporters.vm']);
    if (count === 80) warm = rss();
    // Ticks occur between the reloads, and during them.
    await new Promise((resolve) => setTimeout(resolve, 37));
  }
  const grown = rss() - warm;
  agent.child.kill('SIGTERM');
  assert.deepEqual(await agent.ended, { code: 0, signal: null });
  assert.ok(grown < 25, `grew by ${grown.toFixed(1)} MiB in 120 reloads`);

  // The first push is at the start and the last one at the end, whatever the time; the others are at the ticks.
  const ticks = (receiver.stamps.get('node-exporter') ?? []).sort((a, b) => a - b).slice(1, -1);
  const seconds = ticks.map((stamp) => Math.floor(stamp / 1000));
  assert.ok(seconds.length >= 3, `${seconds.length} ticks`);
  const expected = Array.from({ length: seconds.length }, (_, index) => (seconds[0] as number) + index);
  assert.equal(new Set(seconds).size, seconds.length, 'no tick is duplicated');
  // A busy machine makes the agent skip ticks, which it logs.
  const skipped = linesOf(agent).filter(({ msg }) => /skipped/.test(msg));
  if (skipped.length === 0) assert.deepEqual(seconds, expected);
});
