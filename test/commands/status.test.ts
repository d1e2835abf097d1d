import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { status } from '../../src/commands/status.ts';
import { supportBundle } from '../../src/commands/support-bundle.ts';
import type { StatusView } from '../../src/http/status-view.ts';
import { startReceiver } from '../../src/receiver/server.ts';
import { runCommand } from '../kit/command.ts';
import { fixturePaths } from '../kit/host-tree.ts';
import { type LocalAgent, startLocalAgent } from '../kit/local-agent.ts';

/** An agent that pushes to `url` each second; `token` is required for reading. */
const startAgent = (t: TestContext, url: string, more: object = {}) =>
  startLocalAgent(t, (folder) => ({
    push: { interval: '1s' },
    node: 'n1',
    cluster: 'c1',
    http: { listen: '127.0.0.1:0', readTokenFile: join(folder, 'token') },
    paths: fixturePaths(),
    collectors: {
      container: { enabled: false },
      process: { enabled: false },
      node: { include: ['loadavg', 'meminfo'] },
    },
    exporters: { vm: { type: 'vmagent', url, headers: { 'X-Scope': 'top-secret' } } },
    ...more,
  }));

const ask = (agent: LocalAgent, ...args: string[]) =>
  runCommand(status, [...args, '--url', agent.url, '--token-file', join(agent.folder, 'token')]);

/** The output once the exit code is `code`, after some cycles and pushes. */
async function untilCode(agent: LocalAgent, code: number, ...args: string[]): Promise<string> {
  const deadline = AbortSignal.timeout(60_000);
  for (;;) {
    const { code: is, stdout, stderr } = await ask(agent, ...args);
    if (is === code) return stdout;
    if (deadline.aborted) throw new Error(`still ${is}: ${stdout}${stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The output once it matches. */
async function untilOutput(agent: LocalAgent, pattern: RegExp): Promise<string> {
  const deadline = AbortSignal.timeout(60_000);
  for (;;) {
    const { stdout, stderr } = await ask(agent);
    if (pattern.test(stdout)) return stdout;
    if (deadline.aborted) throw new Error(`no ${pattern}: ${stdout}${stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('status of a healthy agent exits with 0, and its numbers are those of the API', async (t) => {
  const receiver = await startReceiver({ host: '127.0.0.1', port: 0, now: Date.now });
  t.after(() => receiver.close());
  const agent = await startAgent(t, receiver.url);
  const text = await untilOutput(agent, /^Receiver {9}vm ok, http/m);
  assert.match(text, /^✓ All is well: 2 collectors deliver, the receiver keeps up\.$/m);
  assert.match(text, /^Agent {12}n1, cluster c1, Firesteel \d/m);
  assert.match(text, /^Collectors {7}2 ok$/m);
  assert.match(text, /; nothing waits; dropped: 0$/m);
  assert.doesNotMatch(text, /\x1b/);
  for (const line of text.split('\n')) assert.ok(line.length <= 80 || !line.trim().includes(' '), line);
  const deadline = AbortSignal.timeout(60_000);
  for (let series = NaN, shown = 0; series !== shown; ) {
    if (deadline.aborted) throw new Error(`the page counts ${shown} series, the API ${series}`);
    const { level, status: view } = JSON.parse(await untilCode(agent, 0, '--format', 'json')) as {
      level: string;
      status: StatusView;
    };
    assert.equal(level, 'ok');
    series = view.budgets.reduce((sum, budget) => sum + budget.series, 0);
    shown = Number(/^Series {11}([\d,]+)$/m.exec(await untilCode(agent, 0))?.[1]?.replaceAll(',', ''));
  }
});

test('an unresponsive receiver causes exit code 4 and advice', async (t) => {
  const agent = await startAgent(t, 'http://127.0.0.1:9');
  const text = await untilCode(agent, 4);
  assert.match(text, /^✕ Receiver vm is retrying/m);
  assert.match(text.replaceAll(/\s+/g, ' '), /Check that the receiver runs and is reachable from here/);
  assert.match(text, /runbook\.md#firesteelnotdelivering/);
});

test('warnings cause exit code 3, no agent exit code 1', async (t) => {
  const agent = await startAgent(t, 'http://127.0.0.1:9', { exporters: {} });
  assert.match(await untilCode(agent, 3), /^! Nothing is pushed\.$/m);
  const unreachable = await runCommand(status, ['--url', 'http://127.0.0.1:9']);
  assert.equal(unreachable.code, 1);
  assert.match(unreachable.stderr, /http:\/\/127\.0\.0\.1:9: no response/);
  const stranger = await runCommand(status, ['--url', agent.url]);
  assert.equal(stranger.code, 1);
  assert.match(stranger.stderr, /401/);
  await assert.rejects(ask(agent, '--format', 'xml'), /text or json/);
});

test('a support bundle contains versions, problems, log and configuration, and no secrets', async (t) => {
  const agent = await startAgent(t, 'http://127.0.0.1:9', {
    tasks: [{ id: 'shop', type: 'http', interval: '1h', targets: ['http://127.0.0.1:9/?key=hush-hush'] }],
  });
  await untilCode(agent, 4);
  const file = join(agent.folder, 'bundle.json');
  const flags = ['--url', agent.url, '--token-file', join(agent.folder, 'token')];
  const written = await runCommand(supportBundle, [...flags, '-o', file]);
  assert.equal(written.code, 0, written.stderr);
  assert.match(written.stdout, /bundle\.json: \d+ KiB/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const text = readFileSync(file, 'utf8');
  const bundle = JSON.parse(text) as {
    versions: { agent: string };
    health: { level: string; problems: { what: string }[] };
    log: { lines: { level: string; msg: string }[] };
    configuration: { exporters: { vm: { headers: Record<string, string> } } };
    status: StatusView;
  };
  assert.match(bundle.versions.agent, /^\d/);
  assert.equal(bundle.health.problems[0]?.what, 'vm is retrying');
  assert.ok(
    bundle.log.lines.some(({ msg }) => msg.startsWith('push failed')),
    JSON.stringify(bundle.log),
  );
  assert.equal(bundle.configuration.exporters.vm.headers['X-Scope'], '<hidden>');
  assert.ok(bundle.status.history.atMs.length > 0);
  for (const secret of ['top-secret', 'hush-hush', agent.token]) assert.ok(!text.includes(secret), secret);
  const piped = await runCommand(supportBundle, [...flags, '-o', '-']);
  assert.equal(JSON.parse(piped.stdout).versions.agent, bundle.versions.agent);
  writeFileSync(file, '');
  assert.equal((await runCommand(supportBundle, [...flags, '-o', join(agent.folder, 'no', 'such')])).code, 1);
});
