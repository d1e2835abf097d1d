import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { KNOWN_LOSSES, type KnownLoss, lossText, type Permission } from '../../src/collectors/known-losses.ts';
import type { HostPaths } from '../../src/host/paths.ts';
import { recordedNode } from '../collectors/container/kit.ts';
import type { Values } from '../helm/chart.ts';
import { startAgentProcess } from '../kit/agent.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { nameOf, samplesOf } from '../kit/samples.ts';
import { serverAvailable } from '../kit/servers.ts';
import { layOutImage } from './image-root.ts';
import { nodePod } from './node-pod.ts';
import { type PodScene, startPods } from './pod-scene.ts';
import { sandboxAvailable, startInSandbox } from './sandbox.ts';

// The agent runs like the chart's pod, in separate namespaces, and must collect the same data as an agent that runs on this
// machine as root.

interface Variant {
  readonly name: string;
  readonly values: Values;
  readonly permissions: readonly Permission[];
}

const EXTENDED: readonly Permission[] = ['SYS_PTRACE', 'DAC_READ_SEARCH'];
const VARIANTS: readonly Variant[] = [
  { name: 'restricted', values: {}, permissions: [] },
  { name: 'restricted with hostPID', values: { node: { hostPID: true } }, permissions: ['node.hostPID'] },
  { name: 'restricted with hostNetwork', values: { node: { hostNetwork: true } }, permissions: ['node.hostNetwork'] },
  { name: 'extended', values: { tier: 'extended' }, permissions: EXTENDED },
];

/** Collectors and options, off by default, that read files with restricted access. */
const ALL = [
  ...['slabinfo', 'rapl', 'ethtool', 'qdisc', 'network_route', 'processes', 'sysctl', 'tcpstat', 'wifi'].map(
    (name) => `collectors.node.${name}.enabled=true`,
  ),
  'collectors.node.netdev.addressInfo=true',
  'collectors.node.netclass.netlink=true',
  'collectors.node.sysctl.include=["net.core.somaxconn","kernel.msgmax","kernel.pid_max","kernel.threads-max"]',
  'collectors.process.smaps=true',
  'collectors.process.ports=true',
  'collectors.container.families=kubelet',
].flatMap((assignment) => ['--set', assignment]);

/** The output of one collection. */
interface Collected {
  readonly samples: ReadonlyMap<string, number>;
  readonly stderr: string;
}

/** Families that exist only occasionally: after a read error, for a process that is just starting. */
const CHANCE = /^(?:namedprocess_|firesteel_|node_textfile|container_ulimits_soft$|node_scrape_collector_)/;

const familiesIn = ({ samples }: Collected, pattern: RegExp): string[] =>
  [...new Set([...samples.keys()].map(nameOf))].filter((name) => pattern.test(name) && !CHANCE.test(name)).sort();

const lossesIn = ({ stderr }: Collected): string[] =>
  [...stderr.matchAll(/^(\w+\.\w+): not visible: (.*)$/gm)].map(([, collector, what]) => `${collector}: ${what}`);

const faultsIn = ({ stderr }: Collected): string[] =>
  stderr.split('\n').filter((line) => /^\w+\.\w+: /.test(line) && !/: (?:no data|not visible)/.test(line));

async function onThisMachine(t: TestContext, { cgroupRoot }: PodScene): Promise<Collected> {
  const agent = startAgentProcess(t, ['collect', '--path.cgroup', cgroupRoot, '--node', 'worker-1', ...ALL]);
  await agent.ended;
  return { samples: samplesOf(agent.stdout()), stderr: agent.stderr() };
}

async function inItsPod(
  t: TestContext,
  scene: PodScene,
  { values, permissions }: Variant,
  root: string,
): Promise<Collected> {
  const pod = nodePod({ exporters: { vm: { url: 'http://127.0.0.1:1' } }, ...values }, root, scratchFolder(t));
  const hostNetwork = permissions.includes('node.hostNetwork');
  const sandbox = {
    ...pod.sandbox,
    mounts: [...pod.sandbox.mounts, ...scene.mounts],
    cgroups: scene.agentCgroups,
    hostPid: permissions.includes('node.hostPID'),
    ownNetwork: !hostNetwork,
    ...(hostNetwork ? {} : { hostname: 'firesteel-node-x7k2p' }),
  };
  const command = pod.command.map((word, index) =>
    word === 'run' && pod.command[index + 1] === '--config' ? 'collect' : word,
  );
  const agent = startInSandbox(t, sandbox, [...command, ...ALL]);
  const [stdout, stderr] = await Promise.all([text(agent.stdout), text(agent.stderr)]);
  return { samples: samplesOf(stdout), stderr };
}

/** The container collector in its pod, on a host whose files are these. */
async function inRecordedPod(t: TestContext, paths: HostPaths, root: string): Promise<Collected> {
  const values = { exporters: { vm: { url: 'http://127.0.0.1:1' } }, preset: 'complete' };
  const { sandbox, command } = nodePod(values, root, scratchFolder(t));
  const places: Readonly<Record<string, string>> = {
    '/host/proc': paths.procfs,
    '/host/sys': paths.sysfs,
    '/host/root': paths.rootfs,
  };
  const mounts = sandbox.mounts.map((mount) => ({ ...mount, ...(places[mount.to] && { from: places[mount.to] }) }));
  const collect = command.map((word, index) =>
    word === 'run' && command[index + 1] === '--config' ? 'collect' : word,
  );
  const agent = startInSandbox(t, { ...sandbox, mounts, ownNetwork: true, hostname: 'firesteel-node-x7k2p' }, [
    ...collect,
    '--only=container',
    '--set=collectors.container.identity.source=none',
  ]);
  const [stdout, stderr] = await Promise.all([text(agent.stdout), text(agent.stderr)]);
  return { samples: samplesOf(stdout), stderr };
}

/** Whether a known loss occurs without these permissions on this machine. */
const isLost = ({ collector, needs, reads, what }: KnownLoss, permissions: readonly Permission[]): boolean =>
  // The log collectors are off in this pod; test/collectors/log tests their losses.
  !collector.startsWith('log.') &&
  // The chart mounts the host's root.
  !needs.every((permission) => permission === 'node.mountHostRoot' || permissions.includes(permission)) &&
  // This kernel shows the number of open files to everyone; it has neither pod volumes nor later mounts.
  !/before Linux 6\.2|pod volumes|mounted after/.test(what) &&
  (collector !== 'node.rapl' || reads.some((pattern) => globSync(pattern).length > 0));

test('in its pod the agent reads what it reads on the host', { timeout: 600_000 }, async (t) => {
  if (!sandboxAvailable(t) || !serverAvailable(t, 'helm')) return;
  const { root } = layOutImage(t);
  for (const version of [1, 2] as const) {
    // This machine's hierarchies of v2 may lack controllers; those of the recorded nodes do not.
    await t.test(`a recorded node with cgroup v${version}: the families of its kubelet about memory`, async (t) => {
      const { paths, cadvisor } = recordedNode(version);
      const seen = await inRecordedPod(t, paths, root);
      const isMemory = (name: string) => /^(?:container_(?:spec_)?memory_|machine_memory_)/.test(name);
      const families = (samples: ReadonlyMap<string, number>) =>
        [...new Set([...samples.keys()].map(nameOf))].filter(isMemory).sort();
      const wanted = families(cadvisor);
      assert.ok(wanted.length >= 14, wanted.join(' '));
      assert.deepEqual(families(seen.samples), wanted, seen.stderr);
    });
  }
  for (const version of [1, 2] as const) {
    await t.test(`cgroup v${version}`, async (t) => {
      const scene = await startPods(t, version);
      if (scene === undefined) return t.skip(`this machine has no cgroup v${version}`);
      const reference = await onThisMachine(t, scene);
      const wanted = familiesIn(reference, /^container_network_/);
      assert.equal(wanted.length, 8, reference.stderr);

      for (const variant of VARIANTS) {
        await t.test(variant.name, async (t) => {
          const seen = await inItsPod(t, scene, variant, root);
          const { samples, stderr } = seen;
          const lost = KNOWN_LOSSES.filter((loss) => isLost(loss, variant.permissions));

          await t.test('its losses are those listed in docs/security.md, and nothing is a failure', () => {
            const expected = [...new Set(lost.map((loss) => `${loss.collector}: ${lossText(loss)}`))];
            // Root cannot see either what a sandbox around this machine hides.
            const reported = lossesIn(seen).filter((loss) => !/pod volumes|a security module/.test(loss));
            assert.deepEqual(reported.sort(), expected.sort(), stderr);
            const rootsOwn = faultsIn(reference).map((line) => line.split(':', 1)[0]);
            assert.deepEqual(
              faultsIn(seen).filter((line) => !rootsOwn.includes(line.split(':', 1)[0])),
              [],
            );
          });

          await t.test('all container and node families are present', () => {
            const missing = (pattern: RegExp) => {
              const here = new Set(familiesIn(seen, pattern));
              return familiesIn(reference, pattern).filter((name) => !here.has(name));
            };
            assert.deepEqual(missing(/^(?:container|machine)_/), []);
            const collectors = new Set(lost.map(({ collector }) => collector));
            const ofLost: readonly (readonly [collector: string, family: RegExp])[] = [
              ['node.slabinfo', /^node_slabinfo_/],
              ['node.rapl', /^node_rapl_/],
              [
                'node.ethtool',
                /^node_(?:ethtool_|network_(?:\w+_(?:advertised|supported)|autonegotiate|supported_\w+|port\w*)$)/,
              ],
              ['node.qdisc', /^node_qdisc_/],
              ['node.network_route', /^node_network_route/],
              ['node.netdev', /^node_network_address_info$/],
              ['node.netclass', /^node_network_altnames_info$/],
              ['node.processes', /^node_processes_max_processes$/],
              ['node.sysctl', /^node_sysctl_/],
            ];
            const isOfLost = (name: string) =>
              ofLost.some(([collector, family]) => collectors.has(collector) && family.test(name));
            assert.deepEqual(
              missing(/^node_/).filter((name) => !isOfLost(name)),
              [],
            );
          });

          await t.test("the networks, processes and limits of pods are the host's", () => {
            const same = /^container_(?:network_|processes|spec_|threads_max|start_time)/;
            const ids = [...scene.quiet, ...scene.networked];
            const values = (of: Collected) =>
              new Map(
                [...of.samples]
                  .filter(([key]) => same.test(key) && ids.some((id) => key.includes(`id="${id}"`)))
                  .sort(),
              );
            assert.deepEqual(values(seen), values(reference));
            for (const id of scene.networked) {
              const sent = [...samples].filter(
                ([key]) => key.startsWith('container_network_transmit_bytes_total') && key.includes(`id="${id}"`),
              );
              assert.ok(
                sent.some(([key, value]) => key.includes('interface="eth0"') && value > 0),
                `${id}: ${sent}`,
              );
            }
          });

          await t.test("the names and the network of the node are the host's", () => {
            const keys = [...samples.keys()];
            const uname = keys.find((key) => key.startsWith('node_uname_info')) ?? '';
            // This machine's own name, from its /etc/hostname.
            assert.match(uname, new RegExp(`nodename="${hostname()}"`));
            const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
            assert.ok(keys.some((key) => key.startsWith('machine_') && key.includes(`boot_id="${bootId}"`)));
            const devices = (of: Collected) =>
              [...of.samples.keys()].filter((key) =>
                /^node_network_(?:receive_nohandler|transmit_bytes)_total/.test(key),
              );
            assert.deepEqual(devices(seen).sort(), devices(reference).sort());
            assert.deepEqual(
              keys.filter((key) => key.startsWith('node_time_zone_offset_seconds')),
              [...reference.samples.keys()].filter((key) => key.startsWith('node_time_zone_offset_seconds')),
            );
            for (const name of ['node_nf_conntrack_entries_limit', 'node_sockstat_TCP_inuse', 'node_arp_entries']) {
              assert.equal(
                keys.some((key) => nameOf(key) === name),
                [...reference.samples.keys()].some((key) => nameOf(key) === name),
                name,
              );
            }
          });
        });
      }
    });
  }
});
