import assert from 'node:assert/strict';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { startAgentProcess } from '../kit/agent.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable } from '../kit/servers.ts';
import { startVictoriaMetrics } from '../kit/victoria-metrics.ts';
import { documentedLosses } from './documented-losses.ts';
import { layOutImage } from './image-root.ts';
import { type NodePod, nodePod } from './node-pod.ts';
import { podCgroup } from './pod-cgroup.ts';
import { endInSandbox, privilegesOf, sandboxAvailable, startInSandbox } from './sandbox.ts';

/** Bits of linux/capability.h. */
const DAC_READ_SEARCH = 1n << 2n;
const SYS_PTRACE = 1n << 19n;

const TIERS = [
  { tier: 'restricted', uid: 65_534, capabilities: 0n },
  { tier: 'extended', uid: 0, capabilities: DAC_READ_SEARCH | SYS_PTRACE },
] as const;

/** What reads files that the kernel does not show to everyone, and is off until asked for. */
const ALL_THAT_NEEDS_RIGHTS = [
  'collectors.node.slabinfo.enabled=true',
  'collectors.node.rapl.enabled=true',
  'collectors.process.smaps=true',
  'collectors.process.ports=true',
  'collectors.container.families=kubelet',
].flatMap((assignment) => ['--set', assignment]);

const PATHS = {
  'path.procfs': '/host/proc',
  'path.sysfs': '/host/sys',
  'path.rootfs': '/host/root',
};

/** `process.process: io of 12 processes, one of them: …` → `process.process: io`. */
const lossesIn = (stderr: string): string[] =>
  [...stderr.matchAll(/^(\w+\.\w+): (.*)$/gm)]
    .filter(([, , message = '']) => !message.startsWith('nothing to see here'))
    .map(([, collector, message = '']) => `${collector}: ${message.split(/ of (?:a process|\d+ processes)|: /)[0]}`)
    .map((loss) => loss.replace(PATHS['path.procfs'], '/proc').replace(PATHS['path.sysfs'], '/sys'));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

/** The rendered command, but for collecting once. */
const collectOnce = ({ command }: NodePod): string[] =>
  command.map((word, index) => (word === 'run' && command[index + 1] === '--config' ? 'collect' : word));

/** What a root without any limits loses on this machine: what virtual machines and sandboxes keep from everyone. */
async function lostToRoot(t: TestContext): Promise<Set<string>> {
  const agent = startAgentProcess(t, ['collect', ...ALL_THAT_NEEDS_RIGHTS]);
  await agent.ended;
  return new Set(lossesIn(agent.stderr()));
}

test('node agents as the chart starts them', { timeout: 900_000 }, async (t) => {
  if (!sandboxAvailable(t)) return;
  if (!['helm', 'victoria-metrics'].every((name) => serverAvailable(t, name))) return;
  const { root } = layOutImage(t);
  const vm = await startVictoriaMetrics(t, scratchFolder(t));
  const documented = documentedLosses();

  for (const { tier, uid, capabilities } of TIERS) {
    const values = {
      tier,
      cluster: { name: tier },
      exporters: { vm: { url: vm.url } },
      // The machine may be busy: a collector that is late has not failed for want of rights.
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
        assert.ok(containers.length > 0, 'the container of the pod is seen');
      }
      assert.equal(await endInSandbox(agent), 0, await stderr);
    });

    await t.test(`${tier}: with all options, it loses exactly what docs/security.md tells`, async (t) => {
      const pod = nodePod(values, root, scratchFolder(t));
      const sandbox = { ...pod.sandbox, mounts: [...pod.sandbox.mounts, ...podCgroup(t)] };
      const agent = startInSandbox(t, sandbox, [...collectOnce(pod), ...ALL_THAT_NEEDS_RIGHTS]);
      const [stdout, stderr] = await Promise.all([text(agent.stdout), text(agent.stderr)]);
      assert.match(stdout, /^node_cpu_seconds_total\{/m, stderr);
      const rootLoses = await lostToRoot(t);
      const lost = lossesIn(stderr).filter((loss) => tier === 'restricted' || !rootLoses.has(loss));
      const told = lost.map((loss) => documented.find(({ unit }) => loss.startsWith(unit))?.unit ?? loss);
      const expected = documented.filter(({ files, lostIn }) => lostIn.includes(tier) && areHere(files));
      assert.deepEqual([...new Set(told)].sort(), expected.map(({ unit }) => unit).sort(), stderr);
    });

    await t.test(`${tier}: in a network of its own, it sees the host's devices`, async (t) => {
      const pod = nodePod(values, root, scratchFolder(t));
      const devices = async (ownNetwork: boolean) => {
        const agent = startInSandbox(t, { ...pod.sandbox, ownNetwork }, collectOnce(pod));
        const [stdout] = await Promise.all([text(agent.stdout), text(agent.stderr)]);
        return stdout;
      };
      const [shared, own] = [familiesOf(await devices(false)), familiesOf(await devices(true))];
      assert.ok(own.has('node_network_receive_bytes_total') && own.has('node_netstat_Tcp_CurrEstab'));
      assert.deepEqual(
        [...shared].filter((family) => !own.has(family)),
        ['node_network_receive_nohandler_total'],
      );
    });
  }
});

/** Whether this machine has files of a documented loss; those of processes are everywhere. */
const areHere = (patterns: readonly string[]): boolean =>
  patterns.some((pattern) => pattern.startsWith('/proc/<pid>/') || globSync(pattern).length > 0);

const familiesOf = (text: string): Set<string> =>
  new Set([...text.matchAll(/^# TYPE (node_\w+) /gm)].map(([, name = '']) => name));
