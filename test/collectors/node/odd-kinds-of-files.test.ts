import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nodeCollectors } from '../../../src/collectors/node/index.ts';
import { collectOnce } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';

// A folder, a pipe, a device and a huge file in place of each kernel file, as with a wrong or hostile mount. The collector
// returns immediately, reports the path, and reads no more than its limit.

/** Collectors, with the one file that they require. */
const FILES: Readonly<Record<string, string>> = {
  arp: 'proc/1/net/arp',
  buddyinfo: 'proc/buddyinfo',
  cgroups: 'proc/cgroups',
  conntrack: 'proc/sys/net/netfilter/nf_conntrack_count',
  cpu: 'proc/stat',
  diskstats: 'proc/diskstats',
  drbd: 'proc/drbd',
  entropy: 'proc/sys/kernel/random/entropy_avail',
  filefd: 'proc/sys/fs/file-nr',
  filesystem: 'proc/1/mountinfo',
  interrupts: 'proc/interrupts',
  ipvs: 'proc/1/net/ip_vs_stats',
  kernel_hung: 'proc/sys/kernel/hung_task_detect_count',
  loadavg: 'proc/loadavg',
  mdadm: 'proc/mdstat',
  meminfo: 'proc/meminfo',
  meminfo_numa: 'sys/devices/system/node/node0/meminfo',
  mountstats: 'proc/1/mountstats',
  netdev: 'proc/1/net/dev',
  netstat: 'proc/1/net/netstat',
  nfs: 'proc/1/net/rpc/nfs',
  nfsd: 'proc/1/net/rpc/nfsd',
  os: 'etc/os-release',
  pressure: 'proc/pressure/cpu',
  schedstat: 'proc/schedstat',
  slabinfo: 'proc/slabinfo',
  sockstat: 'proc/1/net/sockstat',
  softirqs: 'proc/softirqs',
  softnet: 'proc/net/softnet_stat',
  stat: 'proc/stat',
  swap: 'proc/swaps',
  tcpstat: 'proc/1/net/tcp',
  udp_queues: 'proc/1/net/udp',
  vmstat: 'proc/vmstat',
  xfrm: 'proc/1/net/xfrm_stat',
  xfs: 'sys/fs/xfs/stats/stats/stats',
  zoneinfo: 'proc/zoneinfo',
};

const KINDS: Readonly<Record<string, (path: string) => void>> = {
  'a folder': (path) => mkdirSync(path),
  'a pipe': (path) => void execFileSync('mkfifo', [path]),
  'an endless device': (path) => symlinkSync('/dev/zero', path),
  'an empty device': (path) => symlinkSync('/dev/null', path),
  'a file of 1 GB': (path) => {
    writeFileSync(path, 'x');
    truncateSync(path, 2 ** 30);
  },
};

/** More than the largest limit of a kernel file, 64 MiB for tables of sockets, plus uncollected memory of V8. */
const MAX_GROWTH = 300 * 2 ** 20;

function treeWith(t: TestContext, path: string, make: (path: string) => void) {
  const paths = hostTree(t, {});
  const full = join(paths.rootfs, path);
  mkdirSync(dirname(full), { recursive: true });
  make(full);
  return { paths, full };
}

for (const [name, path] of Object.entries(FILES)) {
  for (const [kind, make] of Object.entries(KINDS)) {
    test(`${name}: ${kind} in place of ${path} is a fault that names it`, async (t) => {
      const spec = nodeCollectors.find((one) => one.name === name);
      assert.ok(spec);
      const { paths, full } = treeWith(t, path, make);
      const before = process.memoryUsage().rss;
      const started = performance.now();
      const options = 'netlink' in spec.options.shape ? { netlink: false } : {};
      const { result, lines } = await collectOnce(spec, paths, options);
      assert.ok(performance.now() - started < 10_000, 'it took longer than 10 s');
      assert.ok(process.memoryUsage().rss - before < MAX_GROWTH, 'it has read too much');
      assert.deepEqual(lines, []);
      assert.equal(result.outcome, 'fault', `${result.outcome} ${result.reason}`);
      assert.ok(
        result.errors.some(({ message }) => message.includes(full)),
        String(result.errors),
      );
    });
  }
}
