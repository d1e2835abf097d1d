import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Discovery } from '../src/collectors/container/discovery.ts';
import { findHierarchy } from '../src/collectors/container/hierarchy.ts';
import { containerProducers, containerSection } from '../src/collectors/container/index.ts';
import type { NameSource } from '../src/collectors/container/naming.ts';
import { type ContainerProcess, ProcessFinder } from '../src/collectors/container/process-finder.ts';
import { Host } from '../src/host/host.ts';
import type { ContainerInfo, PodInfo } from '../src/kube/pod-info.ts';
import { AgentRegistry } from '../src/metrics/registry.ts';
import { type GeneratedNode, generateNode } from './kit/cgroup-tree.ts';
import { costText, measureCycles } from './kit/cycles.ts';
import { servePods } from './kit/pod-server.ts';
import { cpuMs, memoryMib, sleep, startAgent, startSink } from './kit/processes.ts';

/** V8 sizes its heap within the first half minute. */
const WARM_UP = 30;

/**
 * The container collector on a generated node with cgroup v2: CPU per cycle and the longest block of the event loop of
 * the collector alone, then CPU and memory of the built agent with only this collector, pushing once a second.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      pods: { type: 'string', default: '110,500' },
      cycles: { type: 'string', default: '100' },
      families: { type: 'string', default: 'common' },
    },
  });
  for (const pods of values.pods.split(',').map(Number)) {
    const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'firesteel-bench-'));
    try {
      const node = generateNode(root, pods);
      console.log(`\n${pods} pods, ${node.containers} containers, families: ${values.families}`);
      measureNetworkSearch(node);
      await measureCollector(node, values.families, Number(values.cycles));
      await measureAgent(node, values.families, Number(values.cycles));
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  }
}

/** The cost per cycle, in steady state, of checking the processes through which the networks of the pods are read. */
function measureNetworkSearch({ paths }: GeneratedNode): void {
  const host = new Host(paths);
  const hierarchy = findHierarchy(host);
  const discovery = new Discovery(host, hierarchy.tree, []);
  const finder = new ProcessFinder(host, hierarchy, () => discovery.walk(() => {}));
  const sandboxes = new Map<string, ContainerProcess>();
  for (const cgroup of discovery.walk(() => {})) {
    if (cgroup?.kind !== 'container' || cgroup.podUid === undefined || sandboxes.has(cgroup.podUid)) continue;
    const found = finder.oneIn(cgroup);
    if (found) sandboxes.set(cgroup.podUid, found);
  }
  const processes = [...sandboxes.values()];
  const times = Array.from({ length: 200 }, () => {
    const before = process.cpuUsage();
    if (!processes.every((one) => finder.isAlive(one))) throw new Error('a process of the benchmark has exited');
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  }).sort((one, other) => one - other);
  console.log(
    `network     ${(times[times.length >> 1] as number).toFixed(2)} ms CPU in the median cycle to check the processes of ` +
      `${processes.length} pods`,
  );
}

async function measureCollector({ paths, pods, live }: GeneratedNode, families: string, cycles: number): Promise<void> {
  const registry = new AgentRegistry();
  const section = containerSection.parse({ families });
  for (const producer of containerProducers({ host: new Host(paths), now: Date.now }, section, namesOf(pods))) {
    registry.addProducer(producer);
  }
  let samples = 0;
  const cycle = async () => {
    const { results } = await registry.gather(60_000);
    const bad = results.find(({ outcome }) => outcome !== 'ok');
    if (bad) throw new Error(`${bad.collector}: ${bad.outcome} ${bad.errors[0]?.message ?? ''}`);
    samples = results.reduce((sum, result) => sum + result.samples, 0);
  };
  // Generating the node has left garbage.
  await sleep(1000);
  const cost = await measureCycles(cycle, { warmUp: WARM_UP, cycles, pauseMs: 0, before: live });
  console.log(`${costText(cost)}; ${samples} samples`);
}

async function measureAgent(node: GeneratedNode, families: string, cycles: number): Promise<void> {
  const sink = await startSink();
  const identity = await servePods(node.pods);
  const { procfs, sysfs, rootfs, cgroup } = node.paths;
  const set = [
    'collectors.node.enabled=false',
    'collectors.process.enabled=false',
    `collectors.container.families=${families}`,
    'collectors.container.identity.source=state',
    `collectors.container.identity.url=${identity.url}`,
  ];
  const flags = [
    ...['--push.interval', '1s', '--http.listen', '127.0.0.1:0', '--log.level', 'error'],
    ...['--path.procfs', procfs, '--path.sysfs', sysfs, '--path.rootfs', rootfs, '--path.cgroup', cgroup],
    ...set.flatMap((assignment) => ['--set', assignment]),
  ];
  // As in the image.
  const agent = await startAgent(sink.url, flags, ['--max-semi-space-size=1']);
  const living = setInterval(node.live, 1000);
  try {
    await sleep(WARM_UP * 1000);
    const before = { cpu: cpuMs(agent.pid), bytes: sink.bytes, memory: memoryMib(agent.pid) };
    await sleep(cycles * 1000);
    const after = memoryMib(agent.pid);
    const cpu = (cpuMs(agent.pid) - before.cpu) / cycles;
    const kilobytes = (sink.bytes - before.bytes) / cycles / 1000;
    console.log(`agent       ${cpu.toFixed(1)} ms CPU a cycle with compression and push of ${kilobytes.toFixed(0)} kB`);
    console.log(
      `            RSS ${before.memory.rss.toFixed(1)} MiB after ${WARM_UP} cycles, ${after.rss.toFixed(1)} after ${cycles} more; ` +
        `RssAnon ${before.memory.anon.toFixed(1)}, ${after.anon.toFixed(1)}`,
    );
  } finally {
    clearInterval(living);
    await agent.end();
    identity.close();
    sink.close();
  }
}

/** The result of the identity client once it knows all pods. */
function namesOf(pods: readonly PodInfo[]): NameSource {
  const byPod = new Map(pods.map((pod) => [pod.uid, pod]));
  const byContainer = new Map<string, { pod: PodInfo; container: ContainerInfo }>();
  for (const pod of pods) {
    for (const container of pod.containers)
      byContainer.set(container.id.replace('containerd://', ''), { pod, container });
  }
  const findPod = (uid: string) => {
    const pod = byPod.get(uid);
    return pod && { pod };
  };
  return { find: (containerId, uid) => byContainer.get(containerId) ?? findPod(uid), findPod };
}
