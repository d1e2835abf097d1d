import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inventory, virtualization } from '../../../src/collectors/node/inventory.ts';
import { collectOnce, collectorOn } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';

const FILES: Readonly<Record<string, string>> = {
  'etc/machine-id': '0123456789abcdef0123456789abcdef\n',
  'etc/os-release': 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
  'proc/cpuinfo': 'processor : 0\nmodel name : Some CPU\nflags : fpu hypervisor\n',
  'proc/sys/kernel/osrelease': '6.18.0\n',
  'proc/sys/kernel/random/boot_id': '6a5c3f0e-0000-4000-8000-000000000001\n',
  'sys/class/dmi/id/product_name': 'Standard PC\n',
  'sys/class/dmi/id/product_uuid': 'AB000000-0000-4000-8000-000000000002\n',
  'sys/class/dmi/id/sys_vendor': 'QEMU\n',
  'sys/block/nvme0n1/size': '2000\n',
  'sys/block/nvme0n1/device/model': 'Fast disk\n',
  'sys/block/nvme0n1/device/serial': 'S1\n',
  'sys/block/loop0/size': '8\n',
  'sys/class/net/eth0/address': '02:00:00:00:00:01\n',
  'sys/class/net/eth0/speed': '10000\n',
  'sys/class/net/eth0/device/vendor': '0x1af4\n',
  'sys/class/net/veth1/address': '02:00:00:00:00:02\n',
};
const INFO = `firesteel_inventory_info{machine_id="0123456789abcdef0123456789abcdef",system_uuid="ab000000-0000-4000-8000-000000000002",boot_id="6a5c3f0e-0000-4000-8000-000000000001",product="Standard PC",cpu_model="Some CPU",arch="${arch()}",kernel="6.18.0",os="Debian GNU/Linux 13 (trixie)",virtualization="qemu"} 1`;

test('the machine, its disks and network devices; virtual devices are skipped', async (t) => {
  const { lines, result } = await collectOnce(inventory, hostTree(t, FILES));
  assert.deepEqual(result.errors, []);
  assert.deepEqual(lines, [
    'firesteel_inventory_changes_total 0',
    'firesteel_inventory_disks_bytes{device="nvme0n1",model="Fast disk",serial="S1"} 1024000',
    INFO,
    'firesteel_inventory_interfaces_info{device="eth0",mac="02:00:00:00:00:01",speed="10000"} 1',
  ]);
});

test('a change is counted once; a temporary read failure is not a change', async (t) => {
  const paths = hostTree(t, FILES);
  const collect = collectorOn(inventory, paths);
  const changes = async () => (await collect()).lines.find((line) => line.includes('changes_total'));
  assert.equal(await changes(), 'firesteel_inventory_changes_total 0');
  const size = join(paths.sysfs, 'block/nvme0n1/size');
  writeFileSync(size, 'many\n');
  assert.equal(await changes(), 'firesteel_inventory_changes_total 0');
  writeFileSync(size, '4000\n');
  assert.equal(await changes(), 'firesteel_inventory_changes_total 1');
  assert.equal(await changes(), 'firesteel_inventory_changes_total 1');
});

for (const [name, text] of Object.entries({ empty: '', 'of NUL bytes': '\0'.repeat(64) })) {
  for (const path of ['proc/cpuinfo', 'etc/os-release']) {
    test(`${path} that is ${name} is an error, not a machine without a name`, async (t) => {
      const { lines, result } = await collectOnce(inventory, hostTree(t, { ...FILES, [path]: text }));
      assert.match(String(result.errors), new RegExp(`${path}: the file `));
      assert.match(lines.join('\n'), /machine_id="0123456789abcdef0123456789abcdef"/);
    });
  }
}

test('kinds of virtual machines', () => {
  for (const [firmware, hasHypervisor, name] of [
    ['Dell Inc. PowerEdge R6515', false, 'none'],
    ['Someone Something', true, 'vm-other'],
    ['Amazon EC2 m5.large', true, 'amazon'],
    ['Microsoft Corporation Virtual Machine', true, 'microsoft'],
    ['Red Hat KVM', true, 'kvm'],
    ['VMware, Inc. VMware20,1', true, 'vmware'],
  ] as const) {
    assert.equal(virtualization(firmware, hasHypervisor), name, firmware);
  }
});

test('a machine without readable attributes has an info metric with empty labels', async (t) => {
  const { lines } = await collectOnce(inventory, hostTree(t, { 'proc/uptime': '' }));
  assert.equal(lines.length, 2);
  assert.match(lines[1] ?? '', /machine_id="",system_uuid="",boot_id="",product="",cpu_model=""/);
});
