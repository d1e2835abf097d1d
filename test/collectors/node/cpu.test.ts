import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cpu, neverFalling } from '../../../src/collectors/node/cpu.ts';
import { parseCpuinfo } from '../../../src/host/cpuinfo.ts';
import { parseCpuTicks } from '../../../src/host/kernel-stat.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { collectOnce, collectorOn } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';

const STAT = 'cpu  9 9 9 9\ncpu0 1000 20 300 40000 50 6 7 8 900 10\nintr 5 0 0\n';
/** Columns: user nice system idle iowait irq softirq steal guest guest_nice. */
const stat = (...columns: number[]) => `cpu0 ${columns.join(' ')}\n`;
const topology = (cpu: number, packageId: number, coreId: number) => ({
  [`sys/devices/system/cpu/cpu${cpu}/topology/physical_package_id`]: `${packageId}\n`,
  [`sys/devices/system/cpu/cpu${cpu}/topology/core_id`]: `${coreId}\n`,
});
const throttles = (cpu: number, core: number, ofPackage: number) => ({
  [`sys/devices/system/cpu/cpu${cpu}/thermal_throttle/core_throttle_count`]: `${core}\n`,
  [`sys/devices/system/cpu/cpu${cpu}/thermal_throttle/package_throttle_count`]: `${ofPackage}\n`,
});

test('ticks become seconds, by mode; guest time can be omitted', async (t) => {
  const paths = hostTree(t, { 'proc/stat': STAT });
  const seconds = [
    'node_cpu_seconds_total{cpu="0",mode="idle"} 400',
    'node_cpu_seconds_total{cpu="0",mode="iowait"} 0.5',
    'node_cpu_seconds_total{cpu="0",mode="irq"} 0.06',
    'node_cpu_seconds_total{cpu="0",mode="nice"} 0.2',
    'node_cpu_seconds_total{cpu="0",mode="softirq"} 0.07',
    'node_cpu_seconds_total{cpu="0",mode="steal"} 0.08',
    'node_cpu_seconds_total{cpu="0",mode="system"} 3',
    'node_cpu_seconds_total{cpu="0",mode="user"} 10',
  ];
  const guest = [
    'node_cpu_guest_seconds_total{cpu="0",mode="nice"} 0.1',
    'node_cpu_guest_seconds_total{cpu="0",mode="user"} 9',
  ];
  assert.deepEqual((await collectOnce(cpu, paths)).lines, [...guest, ...seconds]);
  assert.deepEqual((await collectOnce(cpu, paths, { guest: false })).lines, seconds);
});

test('columns that an old kernel does not print are absent', () => {
  assert.deepEqual([...parseCpuTicks(new Snapshot(), 'stat', 'cpu 1 1\ncpu12 1 2 3 4\n')], [['12', [1, 2, 3, 4]]]);
});

test('a count that falls keeps its highest value, each column separately', () => {
  assert.deepEqual(neverFalling([10, 0, 5, 1000, 70], [11, 0, 4, 999, 60]), [11, 0, 5, 1000, 70]);
});

test('an idle time that falls by 3 s is a CPU that was unplugged: its counts restart', () => {
  assert.deepEqual(neverFalling([10, 0, 5, 1000, 70], [1, 0, 0, 701, 0]), [10, 0, 5, 1000, 70]);
  assert.deepEqual(neverFalling([10, 0, 5, 1000, 70], [1, 0, 0, 700, 0]), [1, 0, 0, 700, 0]);
});

test('counts are kept across cycles, but not for a CPU that was gone in between', async (t) => {
  const paths = hostTree(t, { 'proc/stat': stat(100, 0, 0, 500) });
  const collect = collectorOn(cpu, paths, { guest: false });
  const userAfter = async (text: string) => {
    writeFileSync(join(paths.procfs, 'stat'), text);
    return (await collect()).lines.find((line) => line.includes('user'));
  };
  assert.equal(await userAfter(stat(100, 0, 0, 500)), 'node_cpu_seconds_total{cpu="0",mode="user"} 1');
  assert.equal(await userAfter(stat(90, 0, 0, 501)), 'node_cpu_seconds_total{cpu="0",mode="user"} 1');
  assert.equal(await userAfter('cpu 0\n'), undefined);
  assert.equal(await userAfter(stat(90, 0, 0, 502)), 'node_cpu_seconds_total{cpu="0",mode="user"} 0.9');
});

test('throttling is counted once per core and package, from the first thread that reports it', async (t) => {
  const { lines, result } = await collectOnce(
    cpu,
    hostTree(t, {
      'proc/stat': 'intr 5\n',
      ...topology(0, 0, 0),
      ...topology(1, 0, 0),
      ...throttles(1, 7, 70),
      ...topology(2, 0, 1),
      ...throttles(2, 8, 71),
      ...topology(3, -1, 0),
      ...throttles(3, 9, 72),
    }),
  );
  assert.deepEqual(lines, [
    'node_cpu_core_throttles_total{package="0",core="0"} 7',
    'node_cpu_core_throttles_total{package="0",core="1"} 8',
    'node_cpu_package_throttles_total{package="0"} 70',
  ]);
  assert.equal(result.outcome, 'ok');
});

test('CPUs come and go by the list of online CPUs', async (t) => {
  const paths = hostTree(t, {
    'proc/stat': 'intr 5\n',
    'sys/devices/system/cpu/online': '0-1\n',
    'sys/devices/system/cpu/cpu0/online': '1\n',
    'sys/devices/system/cpu/cpu1/online': '1\n',
    ...topology(1, 0, 1),
    ...throttles(1, 7, 70),
  });
  const collect = collectorOn(cpu, paths);
  const throttled = 'node_cpu_core_throttles_total{package="0",core="1"} 7';
  const bothOnline = ['node_cpu_online{cpu="0"} 1', 'node_cpu_online{cpu="1"} 1'];
  const packages = 'node_cpu_package_throttles_total{package="0"} 70';
  assert.deepEqual((await collect()).lines, [throttled, ...bothOnline, packages]);
  writeFileSync(join(paths.sysfs, 'devices/system/cpu/cpu1/online'), '0\n');
  writeFileSync(join(paths.sysfs, 'devices/system/cpu/cpu1/topology/core_id'), '-1\n');
  writeFileSync(join(paths.sysfs, 'devices/system/cpu/online'), '0\n');
  assert.deepEqual((await collect()).lines, ['node_cpu_online{cpu="0"} 1', 'node_cpu_online{cpu="1"} 0']);
  // The list has it before the files are complete.
  const counts = join(paths.sysfs, 'devices/system/cpu/cpu1/thermal_throttle');
  renameSync(counts, `${counts}-later`);
  writeFileSync(join(paths.sysfs, 'devices/system/cpu/cpu1/online'), '1\n');
  writeFileSync(join(paths.sysfs, 'devices/system/cpu/cpu1/topology/core_id'), '1\n');
  writeFileSync(join(paths.sysfs, 'devices/system/cpu/online'), '0-1\n');
  assert.deepEqual((await collect()).lines, bothOnline);
  renameSync(`${counts}-later`, counts);
  assert.deepEqual((await collect()).lines, [throttled, ...bothOnline, packages]);
});

test('without an online file for the first CPU nothing is exposed for the others', async (t) => {
  const files = { 'proc/stat': 'intr 5\n', 'sys/devices/system/cpu/cpu1/online': '1\n', ...topology(0, 0, 0) };
  assert.deepEqual((await collectOnce(cpu, hostTree(t, files))).lines, []);
});

test('a damaged list of isolated CPUs affects only itself', async (t) => {
  const files = { 'proc/stat': stat(1, 0, 0, 5), 'sys/devices/system/cpu/isolated': '1-99999999999\n' };
  const { result, lines } = await collectOnce(cpu, hostTree(t, files));
  assert.equal(result.outcome, 'partial');
  assert.match(result.errors[0]?.message ?? '', /isolated:1: expected a CPU list/);
  assert.equal(lines.length, 4);
});

test('a frequency missing in cpuinfo has no sample, other missing fields are empty labels', async (t) => {
  const files = { 'proc/stat': 'intr 5\n', 'proc/cpuinfo': 'processor\t: 3\nCPU part\t: 0xd0c\n\n' };
  assert.deepEqual((await collectOnce(cpu, hostTree(t, files), { info: true })).lines, [
    'node_cpu_info{package="",core="",cpu="3",vendor="",family="",model="",model_name="",microcode="",stepping="",cachesize=""} 1',
  ]);
});

test('fields of cpuinfo before the first processor are not a CPU', () => {
  assert.deepEqual(parseCpuinfo(new Snapshot(), 'cpuinfo', 'vendor_id : IBM/S390\n', new Set(['vendor_id'])), []);
});

test('on POWER, the model of the machine at the end of cpuinfo is not that of the last CPU', () => {
  const cpu = (number: number) =>
    `processor\t: ${number}\ncpu\t\t: POWER9 (architected), altivec supported\nclock\t\t: 2500.000000MHz\n\n`;
  const machine = 'timebase\t: 512000000\nplatform\t: pSeries\nmodel\t\t: IBM,8375-42A\nMMU\t\t: Radix\n';
  const found = parseCpuinfo(
    new Snapshot(),
    'cpuinfo',
    cpu(0) + cpu(1) + machine,
    new Set(['vendor_id', 'cpu MHz', 'model']),
  );
  const common = { vendor_id: 'POWER9 (architected), altivec supported', 'cpu MHz': '2500.000000' };
  assert.deepEqual(
    found.map((one) => Object.fromEntries(one)),
    [
      { processor: '0', ...common },
      { processor: '1', ...common },
    ],
  );
});

test('package, core and clock have the same labels on LoongArch', async (t) => {
  const files = {
    'proc/stat': 'intr 5\n',
    'proc/cpuinfo':
      'system type\t\t: generic\n\nprocessor\t\t: 0\npackage\t\t\t: 1\ncore\t\t\t: 2\nCPU Family\t\t: Loongson-64bit\n' +
      'Model Name\t\t: Loongson-3A5000\nCPU MHz\t\t\t: 2500.00\n',
  };
  assert.deepEqual((await collectOnce(cpu, hostTree(t, files), { info: true })).lines, [
    'node_cpu_frequency_hertz{package="1",core="2",cpu="0"} 2500000000',
    'node_cpu_info{package="1",core="2",cpu="0",vendor="",family="Loongson-64bit",model="",model_name="Loongson-3A5000",microcode="",stepping="",cachesize=""} 1',
  ]);
});

test('without /proc/stat there is no data; a damaged one is an error that names the line', async (t) => {
  assert.equal((await collectOnce(cpu, hostTree(t, {}))).result.outcome, 'nodata');
  const { result } = await collectOnce(cpu, hostTree(t, { 'proc/stat': 'cpu  1\ncpu0 1 x 3 4\n' }));
  assert.equal(result.outcome, 'fault');
  assert.match(result.reason ?? '', /proc\/stat:2: expected a number, found "x"/);
});
