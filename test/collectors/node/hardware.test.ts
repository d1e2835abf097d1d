import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { bindCollector, type CollectorSpec } from '../../../src/collectors/collector.ts';
import { KNOWN_LOSSES, knownLoss } from '../../../src/collectors/known-losses.ts';
import { cpuVulnerabilities, parseVulnerability } from '../../../src/collectors/node/cpu_vulnerabilities.ts';
import { dmi } from '../../../src/collectors/node/dmi.ts';
import { edac } from '../../../src/collectors/node/edac.ts';
import { meminfoNuma } from '../../../src/collectors/node/meminfo_numa.ts';
import { rapl, zoneOf } from '../../../src/collectors/node/rapl.ts';
import { selinux } from '../../../src/collectors/node/selinux.ts';
import { watchdog } from '../../../src/collectors/node/watchdog.ts';
import { DeniedFile } from '../../../src/host/errors.ts';
import { Host } from '../../../src/host/host.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { collectOnce } from '../../kit/collect.ts';
import { fixturePaths, hostTree } from '../../kit/host-tree.ts';

test('dmi has a label per file, with one replacement character for a run of invalid UTF-8', async (t) => {
  const { lines } = await collectOnce(
    dmi,
    hostTree(t, {
      'sys/class/dmi/id/product_version': Buffer.from('a\xff\xfeb\xff[\n', 'latin1'),
      'sys/class/dmi/id/sys_vendor': 'Dell Inc.\n',
      'sys/class/dmi/id/chassis_type': '23\n',
    }),
  );
  assert.deepEqual(lines, ['node_dmi_info{product_version="a\uFFFDb\uFFFD[",system_vendor="Dell Inc."} 1']);
});

test('dmi of the fixture tree has 19 labels', async () => {
  const [line = ''] = (await collectOnce(dmi, fixturePaths())).lines;
  assert.equal(line.match(/="/g)?.length, 19);
  assert.match(line, /product_sku="SKU=NotProvided;ModelName=PowerEdge R6515"/);
});

test('watchdog has a sample per number and an info metric with the texts, empty for a device without files', async () => {
  const { lines } = await collectOnce(watchdog, fixturePaths());
  assert.deepEqual(lines, [
    'node_watchdog_access_cs0{name="watchdog0"} 0',
    'node_watchdog_bootstatus{name="watchdog0"} 1',
    'node_watchdog_fw_version{name="watchdog0"} 2',
    'node_watchdog_info{name="watchdog0",options="0x8380",identity="Software Watchdog",state="active",status="0x8000",pretimeout_governor="noop"} 1',
    'node_watchdog_info{name="watchdog1",options="",identity="",state="",status="",pretimeout_governor=""} 1',
    'node_watchdog_nowayout{name="watchdog0"} 0',
    'node_watchdog_pretimeout_seconds{name="watchdog0"} 120',
    'node_watchdog_timeleft_seconds{name="watchdog0"} 300',
    'node_watchdog_timeout_seconds{name="watchdog0"} 60',
  ]);
});

test('a watchdog with a damaged file is skipped, the others are not', async (t) => {
  const folder = 'sys/class/watchdog';
  const paths = hostTree(t, { [`${folder}/watchdog0/timeout`]: 'soon\n', [`${folder}/watchdog1/timeout`]: '60\n' });
  const { lines, result } = await collectOnce(watchdog, paths);
  assert.match(result.errors[0]?.message ?? '', /^watchdog0\/timeout: .*timeout:1: expected a number, found "soon"/);
  assert.ok(lines.includes('node_watchdog_timeout_seconds{name="watchdog1"} 60'));
});

const ZONES: readonly (readonly [zone: string, name: string, index: number])[] = [
  ['package-0', 'package', 0],
  ['package-1', 'package', 1],
  ['dram', 'dram', 0],
  ['dram', 'dram', 1],
  ['package-0-die-1', 'package-0-die-1', 0],
  ['psys', 'psys', 0],
];
test('rapl zones of the same name are distinguished by their number, else counted', () => {
  const used = new Map<string, number>();
  for (const [zone, name, index] of ZONES) assert.deepEqual(zoneOf(zone, used), { name, index });
});

test('rapl exposes joules, by zone or in one metric', async (t) => {
  const folder = 'sys/class/powercap';
  const paths = hostTree(t, {
    [`${folder}/intel-rapl/enabled`]: '1\n',
    [`${folder}/intel-rapl:0/name`]: 'package-0-die-1\n',
    [`${folder}/intel-rapl:0/energy_uj`]: '123456789\n',
    [`${folder}/intel-rapl:1/name`]: 'dram\n',
    [`${folder}/intel-rapl:1/energy_uj`]: 'x\n',
  });
  const path = join(paths.sysfs, 'class/powercap/intel-rapl:0');
  const { lines, result } = await collectOnce(rapl, paths);
  assert.deepEqual(lines, [`node_rapl_package_0_die_1_joules_total{index="0",path="${path}"} 123.456789`]);
  assert.match(result.errors[0]?.message ?? '', /^intel-rapl:1: .*energy_uj:1: expected a number, found "x"/);
  assert.deepEqual((await collectOnce(rapl, paths, { enableZoneLabel: true })).lines, [
    `node_rapl_joules_total{index="0",path="${path}",rapl_zone="package-0-die-1"} 123.456789`,
  ]);
});

test('rapl is denied on a host that restricts its counters even to a fully privileged agent', (t) => {
  const folder = 'sys/class/powercap/intel-rapl:0';
  const paths = hostTree(t, { [`${folder}/name`]: 'package-0\n', [`${folder}/energy_uj`]: '1\n' });
  const producer = bindCollector(
    'node',
    rapl as CollectorSpec,
    { host: new UnprivilegedHost(paths), now: Date.now },
    {},
  );
  assert.throws(
    () => producer.collect(new Snapshot(), AbortSignal.abort()),
    (cause) => {
      assert.ok(cause instanceof DeniedFile);
      // For an agent without the permissions it is not a fault.
      assert.equal(
        knownLoss('node.rapl', cause, new Set()),
        KNOWN_LOSSES.find(({ collector }) => collector === 'node.rapl'),
      );
      return true;
    },
  );
});

/** The host as seen by users other than root: tests run as any user. */
class UnprivilegedHost extends Host {
  override read(path: string): string {
    if (path.endsWith('energy_uj')) throw new DeniedFile(path);
    return super.read(path);
  }
}

test('edac counts by controller, row and channel of the fixture tree', async () => {
  const { lines } = await collectOnce(edac, fixturePaths());
  assert.equal(lines.length, 20);
  for (const line of [
    'node_edac_correctable_errors_total{controller="0"} 1',
    'node_edac_csrow_correctable_errors_total{controller="0",csrow="0"} 3',
    'node_edac_csrow_correctable_errors_total{controller="0",csrow="unknown"} 2',
    'node_edac_csrow_uncorrectable_errors_total{controller="0",csrow="unknown"} 6',
    'node_edac_channel_correctable_errors_total{controller="0",csrow="2",channel="1",dimm_label="mc0_csrow2_channel1"} 0',
    'node_edac_channel_uncorrectable_errors_total{controller="0",csrow="1",channel="0",dimm_label="mc0_csrow1_channel0"} 2',
  ]) {
    assert.ok(lines.includes(line), line);
  }
  assert.ok(!lines.some((line) => /channel_uncorrectable.*csrow="2"/.test(line)));
});

test('edac reports a module without a label as unknown, and parses the kernel’s default labels', async (t) => {
  const row = 'sys/devices/system/edac/mc/mc1/csrow0';
  const { lines } = await collectOnce(
    edac,
    hostTree(t, {
      [`${row}/ch0_ce_count`]: '1\n',
      [`${row}/ch1_ce_count`]: '2\n',
      [`${row}/ch1_dimm_label`]: 'mc#1csrow#0channel#1\n',
      [`${row}/ce_count`]: 'many\n',
    }),
  );
  assert.deepEqual(lines, [
    'node_edac_channel_correctable_errors_total{controller="1",csrow="0",channel="0",dimm_label="unknown"} 1',
    'node_edac_channel_correctable_errors_total{controller="1",csrow="0",channel="1",dimm_label="mc1_csrow0_channel1"} 2',
  ]);
});

// Checked against node_exporter 1.9.
const VULNERABILITIES: readonly (readonly [text: string, state: string, mitigation: string])[] = [
  ['Not affected', 'not affected', ''],
  ['Vulnerable', 'vulnerable', ''],
  ['Vulnerable: Clear CPU buffers attempted', 'vulnerable', 'Clear CPU buffers attempted'],
  ['Vulnerable, KVM: SW loop', 'vulnerable', 'KVM: SW loop'],
  ['Mitigation; TSX disabled', 'mitigation', 'TSX disabled'],
  ['Unknown: No mitigations', 'unknown', 'No mitigations'],
  ['KVM: Mitigation: VMX disabled', 'unknown', 'KVM: Mitigation: VMX disabled'],
  ['Processor vulnerable', 'unknown', 'Processor vulnerable'],
];
for (const [text, state, mitigation] of VULNERABILITIES) {
  test(`${JSON.stringify(text)} is ${state}`, () => assert.deepEqual(parseVulnerability(text), [state, mitigation]));
}

test('a vulnerability whose file is empty has no sample', async (t) => {
  const folder = 'sys/devices/system/cpu/vulnerabilities';
  const { lines } = await collectOnce(cpuVulnerabilities, hostTree(t, { [`${folder}/mds`]: 'Mitigation: PTI\n' }));
  assert.deepEqual(lines, ['node_cpu_vulnerabilities_info{codename="mds",state="mitigation",mitigation="PTI"} 1']);
});

test('a NUMA node with a damaged file is skipped, the others are not', async (t) => {
  const folder = 'sys/devices/system/node';
  const paths = hostTree(t, {
    [`${folder}/node0/meminfo`]: 'Node 0 Active(anon): 2 kB\nNode 0 HugePages_Free:  3\n',
    [`${folder}/node0/numastat`]: 'numa_hit 18446744073709551615\n',
    [`${folder}/node1/meminfo`]: 'Node 1 Mem\u0001Free: 2 kB\n',
  });
  const { lines, result } = await collectOnce(meminfoNuma, paths);
  assert.deepEqual(lines, [
    'node_memory_numa_Active_anon{node="0"} 2048',
    'node_memory_numa_HugePages_Free{node="0"} 3',
    'node_memory_numa_numa_hit_total{node="0"} 18446744073709552000',
  ]);
  assert.match(result.errors[0]?.message ?? '', /node1\/meminfo:1: expected Node <number> <field>: <value>/);
});

const MODES: readonly (readonly [what: string, files: Readonly<Record<string, string>>, lines: readonly string[]])[] = [
  ['off without selinuxfs', {}, ['node_selinux_enabled 0']],
  [
    'off before a policy is loaded',
    { 'sys/fs/selinux/enforce': '0', 'proc/self/attr/current': 'kernel\0' },
    ['node_selinux_enabled 0'],
  ],
  [
    'enforcing',
    {
      'sys/fs/selinux/enforce': '1',
      'proc/self/attr/current': 'system_u:system_r:unconfined_service_t:s0\0',
      'etc/selinux/config': '# SELINUX=disabled\nSELINUX=enforcing\nSELINUXTYPE=targeted\n',
    },
    ['node_selinux_config_mode 1', 'node_selinux_current_mode 1', 'node_selinux_enabled 1'],
  ],
  [
    'currently permissive, with an unknown configuration',
    { 'sys/fs/selinux/enforce': '0', 'etc/selinux/config': 'SELINUX=maybe\n' },
    ['node_selinux_config_mode -1', 'node_selinux_current_mode 0', 'node_selinux_enabled 1'],
  ],
];
for (const [what, files, lines] of MODES) {
  test(`SELinux is ${what}`, async (t) =>
    assert.deepEqual((await collectOnce(selinux, hostTree(t, files))).lines, lines));
}
