import assert from 'node:assert/strict';
import { machine } from 'node:os';
import { test } from 'node:test';
import { sysctl } from '../../../src/collectors/node/sysctl.ts';
import { uname } from '../../../src/collectors/node/uname.ts';
import { collectOnce } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';

const FILES = {
  'proc/sys/net/ipv4/tcp_rmem': '4096\t131072\t-6291456\n',
  'proc/sys/kernel/core_pattern': '|/bin/core %P\n',
};

test('one number, several, or each under its own key', async (t) => {
  const paths = hostTree(t, { ...FILES, 'proc/sys/vm/swappiness': '60\n' });
  const include = ['vm.swappiness', 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_rmem:min,default,max'];
  assert.deepEqual((await collectOnce(sysctl, paths, { include })).lines, [
    'node_sysctl_net_ipv4_tcp_rmem_default 131072',
    'node_sysctl_net_ipv4_tcp_rmem_max -6291456',
    'node_sysctl_net_ipv4_tcp_rmem_min 4096',
    'node_sysctl_net_ipv4_tcp_rmem{index="0"} 4096',
    'node_sysctl_net_ipv4_tcp_rmem{index="1"} 131072',
    'node_sysctl_net_ipv4_tcp_rmem{index="2"} -6291456',
    'node_sysctl_vm_swappiness 60',
  ]);
});

test('words, each with its position', async (t) => {
  const { lines } = await collectOnce(sysctl, hostTree(t, FILES), { includeInfo: ['kernel.core_pattern'] });
  assert.deepEqual(lines, [
    'node_sysctl_info{name="kernel.core_pattern",value="%P",index="1"} 1',
    'node_sysctl_info{name="kernel.core_pattern",value="|/bin/core",index="0"} 1',
  ]);
});

test('a setting that is missing, is text, or has a different number of values than keys is skipped', async (t) => {
  const include = ['kernel.absent', 'kernel.core_pattern', 'net.ipv4.tcp_rmem:min,max'];
  const { lines, result } = await collectOnce(sysctl, hostTree(t, FILES), { include });
  assert.deepEqual(lines, []);
  assert.deepEqual(
    result.errors.map(({ message }) => message.replace(/\S*\/proc\//, '')),
    [
      'kernel.absent: sys/kernel/absent does not exist',
      'kernel.core_pattern: sys/kernel/core_pattern:1: expected a number, found "|/bin/core"',
      'net.ipv4.tcp_rmem: sys/net/ipv4/tcp_rmem has 3 numbers, but 2 keys are configured',
    ],
  );
});

test('a name that escapes /proc/sys is rejected', () => {
  for (const name of ['../../etc/passwd', 'a b', 'x:', '']) {
    assert.equal(sysctl.options.safeParse({ include: [name] }).success, false, name);
  }
});

test('uname exposes what the kernel reports of itself', async (t) => {
  const folder = 'proc/sys/kernel';
  const { lines } = await collectOnce(
    uname,
    hostTree(t, {
      [`${folder}/ostype`]: 'Linux\n',
      [`${folder}/osrelease`]: '6.18.44\n',
      [`${folder}/version`]: '#1 SMP @0\n',
      [`${folder}/hostname`]: 'node-7\n',
      [`${folder}/domainname`]: '(none)\n',
    }),
  );
  assert.deepEqual(lines, [
    `node_uname_info{sysname="Linux",release="6.18.44",version="#1 SMP @0",nodename="node-7",domainname="(none)",machine="${machine()}"} 1`,
  ]);
});
