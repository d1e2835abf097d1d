import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { verdict } from '../../src/http/page/verdict.js';
import type { StatusView } from '../../src/http/status-view.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable } from '../kit/servers.ts';
import { layOutImage } from './image-root.ts';
import { nodePod } from './node-pod.ts';
import { sandboxAvailable, startInSandbox } from './sandbox.ts';

/** Log lines of an agent: one per event, not per cycle. */
const MAX_LINES = 20;
/** A receiver in the pod's own network; see virtual-hour.mjs. */
const RECEIVER = 'http://127.0.0.1:8428';
const HOUR_S = 3600;
const INTERVAL_S = 15;

test('an hour of the default tier in its pod: few log lines, and a green page', { timeout: 480_000 }, async (t) => {
  if (!sandboxAvailable(t) || !serverAvailable(t, 'helm')) return;
  const { root } = layOutImage(t);
  const folder = scratchFolder(t);
  const identity = { source: 'state', url: RECEIVER };
  const pod = nodePod({ exporters: { vm: { url: RECEIVER } }, collectors: { container: { identity } } }, root, folder);
  copyFileSync(join(import.meta.dirname, 'virtual-hour.mjs'), join(folder, 'config/virtual-hour.mjs'));
  const env = { ...pod.sandbox.env, VIRTUAL_SECONDS: String(HOUR_S) };
  const [node = '', ...rest] = pod.command;
  const agent = startInSandbox(t, { ...pod.sandbox, env, ownNetwork: true, hostname: 'firesteel-node-x7k2p' }, [
    node,
    '--import=/etc/firesteel/virtual-hour.mjs',
    ...rest,
  ]);
  const [stdout, stderr] = await Promise.all([text(agent.stdout), text(agent.stderr)]);
  const lines = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
  const report = lines.find((line) => line.startsWith('{"pushes":'));
  assert.ok(report !== undefined, lines.join('\n'));
  const logged = lines.filter((line) => line !== report);
  const { pushes, status } = JSON.parse(report) as { pushes: number; status: StatusView };
  t.diagnostic(`${pushes} pushes, ${logged.length} log lines:\n${logged.join('\n')}`);
  assert.ok(pushes >= (HOUR_S / INTERVAL_S) * 0.9, `${pushes} pushes`);
  const { level, sentence, problems } = verdict(status);
  assert.deepEqual([level, problems], ['ok', []], sentence);
  assert.ok(logged.length <= MAX_LINES, `${logged.length} lines:\n${logged.join('\n')}`);
});
