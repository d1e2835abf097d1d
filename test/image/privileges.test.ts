import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { freePort } from '../kit/free-port.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable } from '../kit/servers.ts';
import { startVictoriaMetrics } from '../kit/victoria-metrics.ts';
import { layOutImage } from './image-root.ts';
import { nodePod } from './node-pod.ts';
import { podCgroup } from './pod-cgroup.ts';
import { endInSandbox, privilegesOf, sandboxAvailable, startInSandbox } from './sandbox.ts';

/** Bits of linux/capability.h. */
const DAC_READ_SEARCH = 1n << 2n;
const SYS_PTRACE = 1n << 19n;

const TIERS = [
  { tier: 'restricted', uid: 65_534, capabilities: 0n },
  { tier: 'extended', uid: 0, capabilities: DAC_READ_SEARCH | SYS_PTRACE },
] as const;

test('node agents as started by the chart', { timeout: 900_000 }, async (t) => {
  if (!sandboxAvailable(t)) return;
  if (!['helm', 'victoria-metrics'].every((name) => serverAvailable(t, name))) return;
  const { root } = layOutImage(t);
  const vm = await startVictoriaMetrics(t, scratchFolder(t));

  for (const { tier, uid, capabilities } of TIERS) {
    const values = {
      tier,
      cluster: { name: tier },
      exporters: { vm: { url: vm.url } },
      // The machine may be busy: a late collector has not failed for lack of permissions.
      push: { interval: '5s' },
      http: { port: await freePort() },
    };

    await t.test(`${tier}: every collector of the default configuration succeeds`, async (t) => {
      const pod = nodePod(values, root, scratchFolder(t));
      const cgroups = podCgroup(t);
      const sandbox = { ...pod.sandbox, mounts: [...pod.sandbox.mounts, ...cgroups] };
      const agent = startInSandbox(t, sandbox, pod.command);
      const stderr = text(agent.stderr);
      const ours = `{cluster="${tier}"}`;
      await vm.until(`count_over_time(node_load1${ours}[1h])`, ([found]) => (found?.value ?? 0) >= 2, 90_000);
      assert.deepEqual(privilegesOf(agent), { uid, gid: uid, capabilities, noNewPrivileges: true });
      await vm.until(`firesteel_collector_success${ours} == 0`, (found) => found.length === 0, 60_000);
      const groups = await vm.query(`count(firesteel_collector_success${ours}) by (group)`);
      assert.deepEqual(groups.map(({ metric }) => metric.group).sort(), ['container', 'node', 'process']);
      const lost = await vm.query(`firesteel_collector_lost_units${ours} > 0`);
      const names = lost.map(({ metric }) => `${metric.group}.${metric.collector}`);
      if (tier === 'restricted') assert.deepEqual(names, ['process.process']);
      if (cgroups.length > 0) {
        const containers = await vm.query(`container_cpu_usage_seconds_total${ours}`);
        assert.ok(containers.length > 0, 'the container of the pod is found');
      }
      assert.equal(await endInSandbox(agent), 0, await stderr);
    });
  }
});
