import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { bindCollector } from '../../../src/collectors/collector.ts';
import { nodeCollectors } from '../../../src/collectors/node/index.ts';
import type { Host } from '../../../src/host/host.ts';
import type { HostPaths } from '../../../src/host/paths.ts';
import { diskScene, findFaults, findFaultsIn, type Leniency } from '../../kit/damage.ts';
import { fixture, fixturePaths, hostTree } from '../../kit/host-tree.ts';
import { loadScenes } from '../../kit/scene.ts';

// Every collector with its scene, or with the fixture tree, one damaged file at a time: never a success with a missing
// family, never a different value for data without damage. fuzz.test.ts damages many files at once and only checks for
// crashes.

/** For another seed: FUZZ_SEED=7 node --test test/collectors/node/damage.test.ts */
const SEED = process.env.FUZZ_SEED ?? '1';
const BUDGET_MS = 40_000 / nodeCollectors.length;

/** Collectors without a scene: options without which a collector reads nothing, or not everything. */
const OPTIONS: Readonly<Record<string, object>> = {
  cpu: { infoFlagsInclude: '.', infoBugsInclude: '.' },
  arp: { netlink: false },
  netdev: { netlink: false },
  stat: { softirq: true },
  sysctl: { include: ['fs.file-nr', 'kernel.threads-max'], includeInfo: ['kernel.seccomp.actions_avail'] },
  vmstat: { fields: '.' },
};

/** Collectors that query the live kernel or a bus, and read no file of the host: test/host/netlink-fuzz.test.ts and others. */
const WITHOUT_FILES: readonly string[] = ['ethtool', 'network_route', 'qdisc', 'systemd', 'timex', 'wifi'];

const scenes = await loadScenes();

/** Files of the textfile collector, which does not read through the host. */
const TEXTFILES = {
  'textfile/a.prom': '# HELP a_total As.\n# TYPE a_total counter\na_total{x="1"} 1\na_total{x="2"} 2\n',
  'textfile/b.prom': 'b 7\nc{y="z"} 8\n',
};

/** Files next to the tree. */
const PATHS: Readonly<Record<string, Partial<HostPaths>>> = { netdev: { procfs: fixture('node/extra/netdev/proc') } };

/** Leniency of collectors without a scene. */
const LENIENCY: Readonly<Record<string, Leniency>> = {
  // Read with a system call, whose result changes on its own.
  filesystem: { live: /^node_filesystem_(?!readonly|device_error|mount_info)/ },
  // Two mounts at one point: a truncated address is another address, and without the line it is that of the other mount.
  // A mount has several lines.
  mountstats: {
    skip: /mountinfo:[67] (?:cut|truncated)|mountinfo:\d+ dropped|mountstats:\d+ (?:cut|truncated)/,
    wholes: /mountstats$/,
  },
  arp: { sums: /^node_arp_entries/ },
  // A limit beyond 2^31.
  conntrack: { sums: /^node_nf_conntrack_stat_/, signed: /_limit$/ },
  // Numbers are hexadecimal, with or without 0x.
  udp_queues: { sums: /^node_udp_/, skip: /words for a number/ },
  // An empty file has no metrics. A file with a malformed line is lost as a whole, as in node_exporter.
  textfile: { live: /^node_textfile_scrape_error/, signed: /./, skip: /prom empty/, wholes: /\.prom$/ },
  // A heading line applies to the lines after it: without it they belong to the previous one.
  ipvs: { skip: /ip_vs:\d+ (?:cut|dropped)/ },
  zoneinfo: { skip: /zoneinfo:\d+ dropped/ },
  // The text of udev is a label, whatever it contains. Xen has printed -1 requests in flight.
  diskstats: { skip: /udev\/data\/\S+:\d+ /, signed: /^node_disk_io_now/ },
  // Without its line, there is no synchronisation. An array has several lines.
  mdadm: { skip: /mdstat:\d+ dropped/, wholes: /mdstat$/ },
  // Of chips that share a device, the name is a label.
  hwmon: { skip: /hwmon\d+\/name:1 (?:cut|truncated)/, signed: /^node_hwmon_/ },
  // The kernel's counts of open requests have been below zero.
  drbd: { signed: /^node_drbd_/ },
  // One format of the kernel for all numbers, with a sign.
  bcache: { signed: /^node_bcache_/ },
  netstat: { signed: /^node_netstat_/ },
  sockstat: { signed: /^node_sockstat_/ },
  netclass: { signed: /^node_network_/ },
  powersupplyclass: { signed: /^node_power_supply_/ },
  sysctl: { signed: /^node_sysctl_/ },
  swap: { signed: /^node_swap_priority/ },
  zfs: { signed: /^node_zfs_/ },
  thermal_zone: { signed: /_temp\b|_state\b/ },
  ksmd: { signed: /^node_ksmd_general_profit_bytes/ },
  // -1 where a link or a node is unknown, as in node_exporter.
  pcidevice: { signed: /_link_/ },
  lnstat: { isPositional: true },
  softnet: { isPositional: true },
};

for (const spec of nodeCollectors) {
  test(`${spec.name} reports the losses of damaged files`, async (t) => {
    const scene = scenes.get(spec.name);
    const tree = spec.name === 'textfile' ? TEXTFILES : scene?.files;
    const paths = tree ? hostTree(t, tree) : { ...fixturePaths(), ...PATHS[spec.name] };
    const folder = join(paths.rootfs, 'textfile');
    const options = spec.options.parse(
      spec.name === 'textfile' ? { directory: folder } : (scene?.options ?? OPTIONS[spec.name] ?? {}),
    );
    const make = (host: Host) => bindCollector('node', spec, { host, now: () => 1_795_224_360_084 }, options);
    const seed = `${SEED} ${spec.name}`;
    const leniency = scene?.leniency ?? LENIENCY[spec.name];
    const { wrong, runs, files } =
      spec.name === 'textfile'
        ? await findFaultsIn(
            diskScene(make, paths, [join(folder, 'a.prom'), join(folder, 'b.prom')]),
            paths.rootfs,
            seed,
            BUDGET_MS,
            leniency,
          )
        : await findFaults(make, paths, seed, BUDGET_MS, leniency);
    t.diagnostic(`seed ${SEED}, ${files} files, ${runs} runs`);
    assert.equal(files === 0, WITHOUT_FILES.includes(spec.name), `reads ${files} files of the tree`);
    assert.deepEqual(wrong.slice(0, 20), [], `FUZZ_SEED=${SEED}: ${wrong.length} findings`);
  });
}
