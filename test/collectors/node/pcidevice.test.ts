import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findNames } from '../../../src/collectors/node/pci-names.ts';
import { pcidevice } from '../../../src/collectors/node/pcidevice.ts';
import { collectOnce } from '../../kit/collect.ts';
import { fixturePaths, hostTree } from '../../kit/host-tree.ts';

/** In the format of pci.ids, with the text between the records of the real one. */
const PCI_IDS = `# A comment
1022  Advanced Micro Devices
# one between
\t1634  PCIe bridge
\t\t17aa 5095  Bridge of a laptop
\t1635  Another bridge
17aa  Lenovo
8086  Intel

\t1521  Network adapter
C 01  Mass storage
\t08  Non-volatile memory
\t\t02  NVM Express
C 06  Bridge
\t04  PCI bridge
`;

const PLACE = 'segment="0000",bus="00",device="02",function="1"';

test("node_exporter's recorded devices: links, power, virtual functions, NUMA node, parent", async () => {
  const { lines, result } = await collectOnce(pcidevice, fixturePaths());
  assert.deepEqual(result.errors, []);
  const behind = 'segment="0000",bus="01",device="00",function="0"';
  for (const line of [
    `node_pcidevice_info{${PLACE},parent_segment="*",parent_bus="*",parent_device="*",parent_function="*",class_id="0x060400",vendor_id="0x1022",device_id="0x1634",subsystem_vendor_id="0x17aa",subsystem_device_id="0x5095",revision="0x00"} 1`,
    `node_pcidevice_info{${behind},parent_segment="0000",parent_bus="00",parent_device="02",parent_function="1",class_id="0x010802",vendor_id="0xc0a9",device_id="0x540a",subsystem_vendor_id="0xc0a9",subsystem_device_id="0x5021",revision="0x01"} 1`,
    `node_pcidevice_max_link_transfers_per_second{${PLACE}} 8000000000`,
    `node_pcidevice_max_link_transfers_per_second{${behind}} 16000000000`,
    `node_pcidevice_max_link_width{${PLACE}} 8`,
    `node_pcidevice_current_link_width{${PLACE}} 4`,
    `node_pcidevice_power_state{${PLACE},state="D0"} 1`,
    `node_pcidevice_power_state{${PLACE},state="D3cold"} 0`,
    `node_pcidevice_sriov_numvfs{${behind}} 4`,
    `node_pcidevice_sriov_totalvfs{${behind}} 8`,
    `node_pcidevice_sriov_vf_total_msix{${behind}} 16`,
  ]) {
    assert.ok(lines.includes(line), line);
  }
  // As node_exporter prints: of 12 families, 3 devices; the node of two of them is unknown, power has 7 states.
  assert.equal(lines.length, 3 * (1 + 9 + 7) + 1);
  assert.equal(lines.filter((line) => line.startsWith('node_pcidevice_numa_node')).length, 1);
});

function oneDevice(context: TestContext, files: Readonly<Record<string, string>>) {
  const folder = 'sys/devices/pci0000:00/0000:00:02.1';
  const paths = hostTree(context, {
    ...Object.fromEntries(
      Object.entries({
        class: '0x060400',
        vendor: '0x1022',
        device: '0x1634',
        subsystem_vendor: '0x17aa',
        subsystem_device: '0x5095',
        revision: '0x00',
        ...files,
      }).map(([name, text]) => [`${folder}/${name}`, `${text}\n`]),
    ),
    'sys/bus/pci/devices/.keep': '',
    'usr/share/hwdata/pci.ids': PCI_IDS,
  });
  symlinkSync('../../../devices/pci0000:00/0000:00:02.1', join(paths.sysfs, 'bus/pci/devices/0000:00:02.1'));
  return paths;
}

test('missing attributes have the values of node_exporter, as does a link of unknown speed', async (context) => {
  const { lines, result } = await collectOnce(pcidevice, oneDevice(context, { current_link_speed: 'Unknown' }));
  assert.deepEqual(result.errors.map(String), ['Error: .keep: expected a name like 0000:00:1f.2']);
  assert.deepEqual(
    lines.filter((line) => !line.startsWith('node_pcidevice_info')),
    [
      `node_pcidevice_current_link_transfers_per_second{${PLACE}} -1`,
      `node_pcidevice_current_link_width{${PLACE}} -1`,
      `node_pcidevice_d3cold_allowed{${PLACE}} 0`,
      `node_pcidevice_max_link_transfers_per_second{${PLACE}} -1`,
      `node_pcidevice_max_link_width{${PLACE}} -1`,
      `node_pcidevice_sriov_drivers_autoprobe{${PLACE}} 0`,
      `node_pcidevice_sriov_numvfs{${PLACE}} 0`,
      `node_pcidevice_sriov_totalvfs{${PLACE}} 0`,
      `node_pcidevice_sriov_vf_total_msix{${PLACE}} 0`,
    ],
  );
});

test('a device with every attribute that the recorded ones lack', async (context) => {
  const files = { d3cold_allowed: '1', sriov_drivers_autoprobe: '1', numa_node: '3' };
  const { lines } = await collectOnce(pcidevice, oneDevice(context, files));
  for (const line of [
    `node_pcidevice_d3cold_allowed{${PLACE}} 1`,
    `node_pcidevice_sriov_drivers_autoprobe{${PLACE}} 1`,
    `node_pcidevice_numa_node{${PLACE}} 3`,
  ]) {
    assert.ok(lines.includes(line), line);
  }
});

test('one malformed file loses one series, and is named', async (context) => {
  const odd = { max_link_width: 'many', sriov_numvfs: '1 2', vendor: 'none', max_link_speed: '32 furlongs' };
  const { lines, result } = await collectOnce(pcidevice, oneDevice(context, odd));
  const lost = result.errors.map(({ message }) => message).filter((message) => message.startsWith('0000'));
  assert.deepEqual(
    lost.map((message) => message.split(': ').slice(0, 2).join(' ')),
    ['0000:00:02.1 ids', '0000:00:02.1 max_link_speed', '0000:00:02.1 max_link_width', '0000:00:02.1 sriov_numvfs'],
  );
  assert.ok(lines.includes(`node_pcidevice_current_link_width{${PLACE}} -1`));
  assert.equal(lines.filter((line) => /_info|max_link_|numvfs/.test(line)).length, 0);
});

test('names come from the host’s pci.ids, by device and by class', async (context) => {
  const { lines } = await collectOnce(pcidevice, oneDevice(context, {}), { names: true });
  const info = lines.find((line) => line.startsWith('node_pcidevice_info'));
  assert.match(
    info ?? '',
    /vendor_name="Advanced Micro Devices",device_name="PCIe bridge",subsystem_vendor_name="Lenovo",subsystem_device_name="Bridge of a laptop",class_name="PCI bridge"} 1$/,
  );
});

test('without pci.ids, only the names are missing', async (context) => {
  const options = { names: true, idsFile: '/nowhere/pci.ids' };
  const { lines, result } = await collectOnce(pcidevice, oneDevice(context, {}), options);
  assert.ok(result.errors.some(({ message }) => message.includes('/nowhere/pci.ids does not exist')));
  assert.ok(lines.includes(`node_pcidevice_sriov_totalvfs{${PLACE}} 0`));
});

test('an id without a name is shown instead of the name; a class is as specific as known', () => {
  const ids = { classId: '010802', vendor: '8086', device: '1635', subsystemVendor: '1234', subsystemDevice: '0001' };
  assert.deepEqual(findNames(PCI_IDS, ids), ['Intel', '1635', '1234', '0001', 'NVM Express']);
  const classOf = (classId: string) => findNames(PCI_IDS, { ...ids, classId }).at(-1);
  assert.deepEqual(['010803', '019900', 'ff0000'].map(classOf), [
    'Non-volatile memory',
    'Mass storage',
    'Unknown class (ff0000)',
  ]);
});
