import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { Registry } from 'prom-client';
import { createLog } from '../../../src/base/log.ts';
import { containerProducers, containerSection } from '../../../src/collectors/container/index.ts';
import type { NameSource } from '../../../src/collectors/container/naming.ts';
import { Host } from '../../../src/host/host.ts';
import type { Losses } from '../../../src/host/lines.ts';
import type { HostPaths } from '../../../src/host/paths.ts';
import { type IdentityPod, NO_LABELS, type PodInfo, podInfo } from '../../../src/kube/pod-info.ts';
import type { CollectorResult } from '../../../src/metrics/outcome.ts';
import { AgentRegistry } from '../../../src/metrics/registry.ts';
import { numberText } from '../../../src/metrics/text/format.ts';
import { IdentityClient, realIdentityWorld } from '../../../src/pods/client.ts';
import { fixture, removeAfter } from '../../kit/host-tree.ts';
import { samplesOf } from '../../kit/samples.ts';

/** For files that are parsed completely. */
export const NONE_LOST: Losses = { lose: (unit, cause) => assert.fail(`${unit}: ${cause}`) };

/** Passes the messages of losses to `take`. */
export const keep = (take: (message: string) => void): Losses => ({
  lose: (_, cause) => take(cause instanceof Error ? cause.message : String(cause)),
});

/** The result of one cycle. */
export interface Cycle {
  readonly samples: Map<string, number>;
  readonly results: readonly CollectorResult[];
}

/** Runs cycles of the producers of group `container` that the options enable. */
export function containerCycles(
  paths: HostPaths,
  options: object = {},
  names?: NameSource,
  now: () => number = Date.now,
): () => Promise<Cycle> {
  const registry = new AgentRegistry();
  for (const producer of containerProducers({ host: new Host(paths), now }, containerSection.parse(options), names)) {
    registry.addProducer(producer);
  }
  return async () => {
    const { groups, results } = await registry.gather(20_000);
    const lines = [...(groups.get('container') ?? []), ...(groups.get('kubelet') ?? [])].flatMap(({ keys, values }) =>
      keys.map((key, index) => `${key} ${numberText(values[index] as number)}\n`),
    );
    return { samples: samplesOf(lines.join('')), results };
  };
}

/** The identity client once it knows `pods`. */
export async function namesOf(pods: readonly PodInfo[]): Promise<NameSource> {
  const world = realIdentityWorld(createLog('silent', process.stdout), new Registry());
  const answered = Promise.withResolvers<void>();
  const source = {
    name: 'test',
    async pods() {
      setImmediate(answered.resolve);
      return pods;
    },
    close() {},
  };
  const client = new IdentityClient(source, 60_000, world);
  client.start();
  await answered.promise;
  await client.stop();
  return client;
}

/** A node of the recorded clusters: its files, and its pods as the kubelet knew them. */
export function recordedNode(version: 1 | 2): { paths: HostPaths; pods: PodInfo[]; cadvisor: Map<string, number> } {
  const root = fixture(`cluster-cgroupv${version}`);
  const { items } = JSON.parse(readFileSync(`${root}/kubelet/pods.json`, 'utf8')) as { items: IdentityPod[] };
  return {
    paths: pathsBelow(`${root}/node`),
    pods: items.map((pod) => podInfo(pod, NO_LABELS)),
    cadvisor: samplesOf(readFileSync(`${root}/kubelet/cadvisor.prom`, 'utf8')),
  };
}

/** The folders of a host whose files are below `root`. */
export const pathsBelow = (root: string): HostPaths => ({
  procfs: `${root}/proc`,
  sysfs: `${root}/sys`,
  rootfs: root,
  udev: `${root}/udev`,
  cgroup: `${root}/sys/fs/cgroup`,
});

/** A node with cgroup v2 whose cgroups appear and vanish; removed after the test. */
export class V2Node {
  // In memory if such a file system is available: some tests create tens of thousands of files.
  readonly root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'firesteel-node-'));
  readonly paths = pathsBelow(this.root);
  #pid = 1000;

  constructor(context: TestContext) {
    removeAfter(context, this.root);
    this.write('proc/meminfo', 'MemTotal: 4000 kB\nSwapTotal: 100 kB\nSwapFree: 40 kB\n');
    this.write('proc/cpuinfo', 'processor : 0\ncore id : 0\nphysical id : 0\n');
    this.write('proc/diskstats', ' 259 0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11\n 7 0 loop0 1 2 3 4 5 6 7 8 9 10 11\n');
    this.write('sys/fs/cgroup/cgroup.controllers', 'cpu memory\n');
    this.makeCgroup('/');
    this.makeCgroup('/kubepods');
  }

  /** Writes a file below the root. */
  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  /** Creates a cgroup with one process called `comm`; undefined `files` are omitted. */
  makeCgroup(id: string, files: Readonly<Record<string, string | undefined>> = {}, comm?: string): void {
    const pid = comm === undefined ? '' : `${++this.#pid}\n`;
    if (comm !== undefined) {
      this.write(`proc/${this.#pid}/comm`, `${comm}\n`);
      this.write(`proc/${this.#pid}/net/dev`, NET_DEV);
    }
    for (const [file, text] of Object.entries({ ...CGROUP_FILES, 'cgroup.procs': pid, ...files })) {
      if (text !== undefined) this.write(`sys/fs/cgroup${id}/${file}`, text);
    }
  }

  /** Removes a cgroup and everything below it. */
  remove(id: string): void {
    rmSync(join(this.paths.cgroup, id), { recursive: true });
  }
}

/** The first two lines of net/dev. */
export const NET_DEV_HEAD =
  'Inter-|   Receive                                                |  Transmit\n' +
  ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n';

const NET_DEV = `${NET_DEV_HEAD} lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n eth0: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n`;

const CGROUP_FILES: Readonly<Record<string, string>> = {
  'cgroup.events': 'populated 1\n',
  'cpu.max': 'max 100000\n',
  'cpu.stat':
    'usage_usec 2500000\nuser_usec 1500000\nsystem_usec 1000000\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n',
  'cpu.weight': '39\n',
  'io.stat': '',
  'memory.current': '9000\n',
  'memory.events': 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n',
  'memory.max': 'max\n',
  'memory.stat':
    'anon 4000\nfile 5000\nkernel 100\nfile_mapped 10\ninactive_file 3000\nactive_file 2000\npgfault 7\npgmajfault 1\n',
  'memory.swap.current': '600\n',
};

/** The samples of one cgroup, by metric name and further labels, without those that identify the cgroup. */
export function ofCgroup(samples: ReadonlyMap<string, number>, id: string): Map<string, number> {
  const own = [...samples].filter(([series]) => series.includes(`id="${id}"`));
  return new Map(
    own.map(([series, value]) => [
      series.replaceAll(/(id|name|image|pod|namespace|container)="[^"]*",?/g, '').replace(/,?\}$/, '}'),
      value,
    ]),
  );
}

/** The labels that identify a cgroup, from its samples; undefined if it has none. */
export function labelsOf(samples: ReadonlyMap<string, number>, id: string): Record<string, string> | undefined {
  const series = [...samples.keys()].find((one) => one.startsWith('container_last_seen') && one.includes(`id="${id}"`));
  const pairs = [...(series ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => [label, value]);
  if (series === undefined) return undefined;
  const { id: _, ...labels } = Object.fromEntries(pairs) as Record<string, string>;
  return labels;
}

/** A pod of the API with containers by name and id. */
export function podOf(
  name: string,
  uid: string,
  containers: Readonly<Record<string, string>>,
  { configHash, restartCount = 0 }: { configHash?: string; restartCount?: number } = {},
): PodInfo {
  return podInfo(
    {
      metadata: {
        namespace: 'shop',
        name,
        uid,
        ...(configHash && { annotations: { 'kubernetes.io/config.hash': configHash } }),
      },
      spec: { containers: Object.keys(containers).map((container) => ({ name: container })) },
      status: {
        containerStatuses: Object.entries(containers).map(([container, containerID]) => ({
          name: container,
          containerID,
          image: `registry/${container}:1`,
          restartCount,
        })),
      },
    },
    NO_LABELS,
  );
}
