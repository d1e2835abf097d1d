import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { scratchFolder } from '../kit/host-tree.ts';
import { nameOf, samplesOf } from '../kit/samples.ts';
import { serverAvailable } from '../kit/servers.ts';
import { layOutImage } from './image-root.ts';
import { nodePod } from './node-pod.ts';
import { sandboxAvailable, startInSandbox } from './sandbox.ts';

// The kernel's own procfs, mounted with hidepid, below the pod of the chart's default tier.

test('on a host with hidepid the pod reports hidden data as lost, and none of its own', {
  timeout: 300_000,
}, async (t) => {
  if (!sandboxAvailable(t) || !serverAvailable(t, 'helm')) return;
  const procfs = mkdtempSync(join(tmpdir(), 'firesteel-hidepid-'));
  execFileSync('mount', ['-t', 'proc', '-o', 'hidepid=2', 'proc', procfs]);
  t.after(() => {
    execFileSync('umount', ['--lazy', procfs]);
    rmdirSync(procfs);
  });
  const { root } = layOutImage(t);
  const { sandbox, command } = nodePod({ exporters: { vm: { url: 'http://127.0.0.1:1' } } }, root, scratchFolder(t));
  const mounts = sandbox.mounts.map((mount) => (mount.to === '/host/proc' ? { ...mount, from: procfs } : mount));
  assert.ok(mounts.some(({ from }) => from === procfs));
  const collect = command.map((word, index) =>
    word === 'run' && command[index + 1] === '--config' ? 'collect' : word,
  );
  const agent = startInSandbox(t, { ...sandbox, mounts, ownNetwork: true, hostname: 'firesteel-node-x7k2p' }, collect);
  const [stdout, stderr] = await Promise.all([text(agent.stdout), text(agent.stderr)]);
  const names = new Set([...samplesOf(stdout).keys()].map(nameOf));

  // Files of /proc that all users may read are present.
  for (const name of ['node_load1', 'node_memory_MemTotal_bytes', 'node_cpu_seconds_total', 'node_vmstat_pgfault']) {
    assert.ok(names.has(name), name);
  }
  const network = /^node_(?:network_(?:receive|transmit)_bytes|sockstat|netstat|arp|softnet_x|udp|nf_conntrack)/;
  assert.deepEqual(
    [...names].filter((name) => network.test(name)),
    [],
  );
  for (const collector of ['netdev', 'sockstat', 'netstat', 'arp', 'udp_queues']) {
    assert.match(stderr, new RegExp(`^node\\.${collector}: .*hidden \\(hidepid\\)`, 'm'));
  }
  // The root of the host is mounted with its file systems.
  assert.ok([...samplesOf(stdout).keys()].some((key) => /^node_filesystem_size_bytes\{.*mountpoint="\/"/.test(key)));
});
