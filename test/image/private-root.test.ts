import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable } from '../kit/servers.ts';
import { layOutImage } from './image-root.ts';
import { nodePod } from './node-pod.ts';
import { endInSandbox, processIn, sandboxAvailable, startInSandbox } from './sandbox.ts';

/** A pod starts and collects within seconds. */
const WITHIN_MS = 120_000;

// A host whose `/` is not a shared mount: with the chart's values the agent starts, and reports what it cannot see.

test('under a private / the agent starts, and reports a file system that is mounted later as lost', {
  timeout: 240_000,
}, async (t) => {
  if (!sandboxAvailable(t) || !serverAvailable(t, 'helm')) return;
  const { root } = layOutImage(t);
  const values = { exporters: { vm: { url: 'http://127.0.0.1:8428' } }, push: { interval: '1s' } };
  const { sandbox, command } = nodePod(values, root, scratchFolder(t));
  const agent = startInSandbox(t, { ...sandbox, ownNetwork: true, hostname: 'firesteel-node-x7k2p' }, command);
  agent.stdout.resume();
  const mounted = mkdtempSync(join(tmpdir(), 'firesteel-later-'));
  let isMounted = false;
  t.after(() => {
    if (isMounted) execFileSync('umount', ['--lazy', mounted]);
    rmdirSync(mounted);
  });
  let isStarted = false;
  for await (const line of createInterface({ input: agent.stderr, signal: AbortSignal.timeout(WITHIN_MS) })) {
    if (/"msg":"started"/.test(line)) {
      isStarted = true;
      const mounts = readFileSync(`/proc/${processIn(agent)}/mountinfo`, 'utf8').split('\n');
      const hostRoot = mounts.find((mount) => / \/host\/root /.test(mount));
      assert.ok(hostRoot !== undefined && !/ (?:shared|master):\d+ /.test(hostRoot), hostRoot ?? 'no /host/root');
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', mounted]);
      isMounted = true;
    }
    if (/file systems mounted after the start of the agent: needs node\.mountPropagation/.test(line)) break;
  }
  assert.ok(isStarted, 'the agent does not start');
  assert.equal(agent.exitCode, null, 'the agent exited before it reported the loss');
  agent.stderr.resume();
  assert.equal(await endInSandbox(agent), 0);
});
