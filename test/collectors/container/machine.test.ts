import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machine } from '../../../src/collectors/container/machine.ts';
import { os } from '../../../src/collectors/node/os.ts';
import { collectOnce } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';

const FILES = {
  'proc/meminfo': 'MemTotal:        4016552 kB\nSwapTotal:       1024 kB\nSwapFree:        1024 kB\n',
  'proc/cpuinfo': [0, 1, 2, 3]
    .map((cpu) => `processor\t: ${cpu}\nphysical id\t: ${cpu >> 1}\ncore id\t\t: ${cpu % 2}\n`)
    .join('\n'),
  'proc/sys/kernel/random/boot_id': '1f9f6aa2\n',
  'proc/sys/kernel/osrelease': '6.12.0\n',
  'etc/machine-id': '3d1219c7\n',
};

const IDS = 'machine_id="3d1219c7",system_uuid="3d1219c7",boot_id="1f9f6aa2"';

test('CPUs and memory of the machine, with its ids', async (context) => {
  const { lines, result } = await collectOnce(machine, hostTree(context, FILES));
  assert.equal(result.outcome, 'ok');
  assert.deepEqual(lines, [`machine_cpu_cores{${IDS}} 4`, `machine_memory_bytes{${IDS}} 4112949248`]);
});

test('the hardware has its id if DMI reports it, and memory modules if EDAC does', async (context) => {
  const paths = hostTree(context, {
    ...FILES,
    'sys/class/dmi/id/product_uuid': '03000200-0400\n',
    'sys/devices/system/edac/mc/mc0/dimm0/dimm_mem_type': 'Unbuffered-DDR4\n',
    'sys/devices/system/edac/mc/mc0/dimm0/size': '8192\n',
    'sys/devices/system/edac/mc/mc0/dimm1/dimm_mem_type': 'Unbuffered-DDR4\n',
    'sys/devices/system/edac/mc/mc0/dimm1/size': '8192\n',
    'usr/lib/os-release': 'NAME="x"\nPRETTY_NAME="Debian GNU/Linux 13"\n',
  });
  const { lines } = await collectOnce(machine, paths, { families: 'kubelet' });
  const ids = IDS.replace('system_uuid="3d1219c7"', 'system_uuid="03000200-0400"');
  for (const line of [
    `machine_dimm_count{${ids},type="Unbuffered-DDR4"} 2`,
    `machine_dimm_capacity_bytes{${ids},type="Unbuffered-DDR4"} 17179869184`,
    `machine_cpu_physical_cores{${ids}} 2`,
    `machine_cpu_sockets{${ids}} 2`,
    'cadvisor_version_info{kernelVersion="6.12.0",osVersion="Debian GNU/Linux 13",dockerVersion="",cadvisorVersion="",cadvisorRevision=""} 1',
  ]) {
    assert.ok(lines.includes(line), line);
  }
});

test('ARM has no ids in cpuinfo, but a topology in sysfs', async (context) => {
  const paths = hostTree(context, {
    ...FILES,
    'proc/cpuinfo': 'processor\t: 0\nBogoMIPS\t: 50.00\n\nprocessor\t: 1\nBogoMIPS\t: 50.00\n',
    'sys/devices/system/cpu/cpu0/topology/core_id': '0\n',
    'sys/devices/system/cpu/cpu1/topology/core_id': '1\n',
    'sys/devices/system/cpu/cpu0/topology/physical_package_id': '0\n',
    'sys/devices/system/cpu/cpu1/topology/physical_package_id': '0\n',
  });
  const { lines } = await collectOnce(machine, paths, { families: 'kubelet' });
  assert.ok(lines.includes(`machine_cpu_physical_cores{${IDS}} 2`));
  assert.ok(lines.includes(`machine_cpu_sockets{${IDS}} 1`));
});

test('without the files there is no data', async (context) => {
  const { result } = await collectOnce(machine, hostTree(context, { 'proc/x': '' }));
  assert.equal(result.outcome, 'nodata');
});

test('the name of the distribution is that of the node collectors, with its escapes; a malformed line is lost alone', async (t) => {
  const osRelease = 'PRETTY_NAME="A \\"B\\" \\$1"\nVERSION\n';
  const files = { ...FILES, 'etc/os-release': osRelease };
  const { lines, result } = await collectOnce(machine, hostTree(t, files), { families: 'kubelet' });
  const osVersion = 'osVersion="A \\"B\\" $1"';
  assert.ok(lines.some((line) => line.startsWith('cadvisor_version_info{') && line.includes(osVersion)));
  const { lines: ofNode } = await collectOnce(os, hostTree(t, files));
  assert.ok(ofNode.some((line) => line.includes(osVersion.replace('osVersion', 'pretty_name'))));
  assert.match(result.errors.map(String).join(), /os-release:2: expected KEY=value, found "VERSION"/);
});
