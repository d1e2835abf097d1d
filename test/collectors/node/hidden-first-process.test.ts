import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { defineCollector, NO_OPTIONS } from '../../../src/collectors/collector.ts';
import { containerProducers, containerSection } from '../../../src/collectors/container/index.ts';
import { nodeCollectors } from '../../../src/collectors/node/index.ts';
import { UnreadableFile } from '../../../src/host/errors.ts';
import { Host } from '../../../src/host/host.ts';
import type { HostPaths } from '../../../src/host/paths.ts';
import { gauge } from '../../../src/metrics/family.ts';
import { AgentRegistry } from '../../../src/metrics/registry.ts';
import { collectOnce, collectorOn } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';

// A pod on a host whose /proc is mounted with hidepid: process 1 is missing, and all visible processes are those of the pod.

const NET_DEV =
  'Inter-|   Receive  |  Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes\n' +
  '  pod0: 77 7 0 0 0 0 0 0 77 7 0 0 0 0 0 0\n';
const OF_THE_POD = {
  'proc/self/status': 'NSpid:\t4711\t1\n',
  'proc/net/dev': NET_DEV,
  'proc/net/netstat': 'TcpExt: SyncookiesSent\nTcpExt: 77\n',
  'proc/net/snmp': 'Udp: InDatagrams\nUdp: 77\n',
  'proc/net/snmp6': 'Ip6InOctets 77\n',
  'proc/net/sockstat': 'sockets: used 77\nTCP: inuse 77 orphan 0 tw 0 alloc 77 mem 1\n',
  'proc/net/sockstat6': 'TCP6: inuse 77\n',
  'proc/net/xfrm_stat': 'XfrmInError 77\n',
  'proc/net/udp': 'sl\n',
  'proc/net/arp': 'IP address HW type Flags HW address Mask Device\n10.0.0.1 0x1 0x2 02:00:00:00:00:01 * pod0\n',
  'proc/net/rpc/nfs': 'net 77 77 0 0\nrpc 77 0 77\n',
  'proc/net/rpc/nfsd': 'rc 77 77 77\n',
  'proc/net/ip_vs_stats': '   Total Incoming Outgoing\n   4D 4D 4D 4D 4D\n',
  'proc/net/stat/nf_conntrack': 'entries\n0000004d\n',
  'proc/net/stat/arp_cache': 'entries allocs\n0000004d 0000004d\n',
  'proc/self/mountstats': 'device nas:/x mounted on /data with fstype nfs4 statvers=1.1\n\tage:\t77\n',
  'proc/self/mountinfo': '30 1 0:77 / / rw - overlay overlay rw\n',
};

const COLLECTORS = [
  ...['arp', 'conntrack', 'filesystem', 'ipvs', 'lnstat', 'mountstats', 'netdev', 'netstat', 'nfs', 'nfsd'],
  ...['sockstat', 'udp_queues', 'xfrm'],
];

for (const name of COLLECTORS) {
  test(`${name} of a pod that cannot see process 1 is a fault with the reason, in each cycle, and exposes no value of the pod`, async (t) => {
    const spec = nodeCollectors.find((one) => one.name === name);
    assert.ok(spec);
    const collect = collectorOn(
      spec,
      hostTree(t, OF_THE_POD),
      'netlink' in spec.options.shape ? { netlink: false } : {},
    );
    for (let cycle = 0; cycle < 2; cycle++) {
      const { lines, result } = await collect();
      assert.deepEqual(lines, []);
      assert.equal(result.outcome, 'fault');
      assert.match(
        (result.outcome === 'fault' && result.reason) || '',
        /hidden \(hidepid\)[\s\S]*tier: extended.*gid=/,
      );
    }
  });
}

test('file systems below the mounted root of the host are reported nevertheless, those of the pod are not', async (t) => {
  const paths = hostTree(t, OF_THE_POD);
  const rootfs = join(paths.rootfs, 'host');
  const own = `${OF_THE_POD['proc/self/mountinfo']}31 30 8:1 / ${rootfs} rw - ext4 /dev/sda1 rw\n`;
  const { lines, result } = await collectOnce(
    nodeCollectors.find(({ name }) => name === 'filesystem') as never,
    { ...hostTree(t, { ...OF_THE_POD, 'proc/self/mountinfo': own }), rootfs },
    { fsTypesExclude: '^$', mountPointsExclude: '^$' },
  );
  assert.equal(result.outcome, 'ok');
  const mounts = lines.filter((line) => line.startsWith('node_filesystem_readonly'));
  assert.equal(mounts.length, 1);
  assert.match(mounts[0] as string, /device="\/dev\/sda1",mountpoint="\/"/);
});

test("the host's network in the container collector is a lost unit", async (t) => {
  const paths = hostTree(t, {
    ...OF_THE_POD,
    'proc/meminfo': 'MemTotal: 1 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n',
    'sys/fs/cgroup/cgroup.controllers': 'cpu memory\n',
    'sys/fs/cgroup/cpu.stat': 'usage_usec 1\nuser_usec 1\nsystem_usec 0\n',
    'sys/fs/cgroup/kubepods.slice/cpu.stat': 'usage_usec 1\nuser_usec 1\nsystem_usec 0\n',
  });
  const registry = new AgentRegistry();
  const section = containerSection.parse({});
  for (const producer of containerProducers({ host: new Host(paths), now: Date.now }, section))
    registry.addProducer(producer);
  const { groups, results } = await registry.gather(5000);
  assert.ok(!(groups.get('container') ?? []).some(({ keys }) => keys.some((key) => key.includes('pod0'))));
  const { errors = [] } = results.find(({ collector }) => collector === 'container') ?? {};
  assert.match(errors.map(({ message }) => message).join('\n'), /^\/: network: .*hidden \(hidepid\)/);
});

test('outside a container the network of this process is that of the host', async () => {
  const paths: HostPaths = {
    procfs: '/proc',
    sysfs: '/sys',
    rootfs: '/',
    udev: '/run/udev/data',
    cgroup: '/sys/fs/cgroup',
  };
  const { result } = await collectOnce(nodeCollectors.find(({ name }) => name === 'sockstat') as never, paths);
  assert.equal(result.outcome, 'ok');
});

test('a collector that the host prevents from starting is retried each cycle; invalid options throw immediately', async (t) => {
  let made = 0;
  const family = gauge('node_x', 'X.');
  const spec = defineCollector({
    name: 'x',
    enabled: true,
    summary: '',
    options: NO_OPTIONS,
    families: [family],
    create() {
      if (made++ < 2) throw new UnreadableFile(`try ${made}`);
      return (out) => out.add(family, made);
    },
  });
  const collect = collectorOn(spec, hostTree(t, {}));
  const first = await collect();
  assert.equal(first.result.outcome === 'fault' && first.result.reason, 'try 2');
  assert.deepEqual((await collect()).lines, ['node_x 3']);
  assert.deepEqual((await collect()).lines, ['node_x 3']);
  const wrong = { ...spec, create: () => assert.fail('a wrong option') };
  assert.throws(() => collectorOn(wrong, hostTree(t, {})), /a wrong option/);
});
