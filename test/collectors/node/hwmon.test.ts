import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { bindCollector } from '../../../src/collectors/collector.ts';
import { hwmon } from '../../../src/collectors/node/hwmon.ts';
import { Metrics } from '../../../src/collectors/node/hwmon-metrics.ts';
import { nodeCollectors } from '../../../src/collectors/node/index.ts';
import { DeniedFile } from '../../../src/host/errors.ts';
import { Host } from '../../../src/host/host.ts';
import type { HostPaths } from '../../../src/host/paths.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { collectOnce } from '../../kit/collect.ts';
import { fixture, fixturePaths, hostTree } from '../../kit/host-tree.ts';
import { difference, samplesOf } from '../../kit/samples.ts';

test('hwmon, thermal_zone and powersupplyclass have the samples of node_exporter for its fixture tree', async () => {
  const lines: string[] = [];
  for (const name of ['hwmon', 'thermal_zone', 'powersupplyclass']) {
    const spec = nodeCollectors.find((one) => one.name === name);
    assert.ok(spec);
    const collected = await collectOnce(spec, fixturePaths());
    assert.deepEqual(collected.result.errors, []);
    lines.push(...collected.lines);
  }
  const expected = readFileSync(fixture('node/extra/sensors/expected.prom'), 'utf8');
  assert.deepEqual(difference(samplesOf(`${lines.join('\n')}\n`), samplesOf(expected)), []);
});

/** A chip `hwmon1` without device. */
const chip = (context: TestContext, files: Readonly<Record<string, string>>): HostPaths =>
  hostTree(
    context,
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`sys/class/hwmon/hwmon1/${name}`, text])),
  );

/** Chips below devices of sysfs, with their links: `hwmonN` → device. */
function chipsOn(context: TestContext, devices: Readonly<Record<string, string>>): HostPaths {
  const entries = Object.entries(devices);
  const paths = hostTree(context, {
    'sys/class/hwmon/.keep': '',
    ...Object.fromEntries(entries.map(([name, device]) => [`sys/devices/${device}/hwmon/${name}/name`, 'Same name\n'])),
    ...Object.fromEntries(entries.map(([name, device]) => [`sys/devices/${device}/hwmon/${name}/in0_input`, '1000\n'])),
  });
  for (const [name, device] of entries) {
    const folder = join(paths.sysfs, 'devices', device, 'hwmon', name);
    mkdirSync(dirname(folder), { recursive: true });
    symlinkSync('../..', join(folder, 'device'));
    symlinkSync(folder, join(paths.sysfs, 'class/hwmon', name));
  }
  return paths;
}

// Each was verified with node_exporter.
const FILES: readonly (readonly [what: string, files: Readonly<Record<string, string>>, lines: readonly string[]])[] = [
  ['millidegrees', { temp1_input: '-5500\n' }, ['node_hwmon_temp_celsius{chip="hwmon1",sensor="temp1"} -5.5']],
  [
    'a value in addition to its input',
    { temp1: '40000', temp1_input: '41000' },
    [
      'node_hwmon_temp_celsius{chip="hwmon1",sensor="temp1"} 40',
      'node_hwmon_temp_input_celsius{chip="hwmon1",sensor="temp1"} 41',
    ],
  ],
  [
    'states have no unit',
    { temp2_fault: '0', temp2_alarm: '1', temp2_beep: '1', temp2_type: '4' },
    [
      'node_hwmon_temp_alarm{chip="hwmon1",sensor="temp2"} 1',
      'node_hwmon_temp_beep_enabled{chip="hwmon1",sensor="temp2"} 1',
      'node_hwmon_temp_fault{chip="hwmon1",sensor="temp2"} 0',
      'node_hwmon_temp_type{chip="hwmon1",sensor="temp2"} 4',
    ],
  ],
  [
    'other alarms get the unit as well',
    { curr1_crit_alarm: '1' },
    ['node_hwmon_curr_crit_alarm_amps{chip="hwmon1",sensor="curr1"} 0.001'],
  ],
  [
    'power',
    { power1_input: '1500000', power1_accuracy: '10000', power1_average_interval: '2500' },
    [
      'node_hwmon_power_accuracy{chip="hwmon1",sensor="power1"} 0.01',
      'node_hwmon_power_average_interval_seconds{chip="hwmon1",sensor="power1"} 2.5',
      'node_hwmon_power_watt{chip="hwmon1",sensor="power1"} 1.5',
    ],
  ],
  [
    'currents, and states of fans and power',
    {
      curr1_input: '1250',
      curr1_min: '1000',
      curr1_max: '2000',
      curr1_crit: '3000',
      curr1_alarm: '1',
      fan2_fault: '1',
      power2_average: '2000000',
      power2_cap: '3500000',
    },
    [
      'node_hwmon_curr_alarm{chip="hwmon1",sensor="curr1"} 1',
      'node_hwmon_curr_amps{chip="hwmon1",sensor="curr1"} 1.25',
      'node_hwmon_curr_crit_amps{chip="hwmon1",sensor="curr1"} 3',
      'node_hwmon_curr_max_amps{chip="hwmon1",sensor="curr1"} 2',
      'node_hwmon_curr_min_amps{chip="hwmon1",sensor="curr1"} 1',
      'node_hwmon_fan_fault{chip="hwmon1",sensor="fan2"} 1',
      'node_hwmon_power_average_watt{chip="hwmon1",sensor="power2"} 2',
      'node_hwmon_power_cap_watt{chip="hwmon1",sensor="power2"} 3.5',
    ],
  ],
  [
    'energy and humidity',
    { energy1_input: '123456789', energy1_alarm: '1', humidity1_input: '45123' },
    [
      'node_hwmon_energy_alarm{chip="hwmon1",sensor="energy1"} 1',
      'node_hwmon_energy_joule_total{chip="hwmon1",sensor="energy1"} 123.456789',
      'node_hwmon_humidity{chip="hwmon1",sensor="humidity1"} 0.045123',
    ],
  ],
  [
    'a frequency is named by its label',
    { freq1_input: '1', freq2_input: '2000000', freq2_label: 'G Clk' },
    [
      'node_hwmon_freq_freq_mhz{chip="hwmon1",sensor="g_clk"} 2',
      'node_hwmon_sensor_label{chip="hwmon1",sensor="freq2",label="G Clk"} 1',
    ],
  ],
  [
    'the chip itself',
    { beep_enable: '1', vrm: '11.5', update_interval: '1250' },
    [
      'node_hwmon_beep_enabled{chip="hwmon1",sensor="beep_enable0"} 1',
      'node_hwmon_update_interval_seconds{chip="hwmon1",sensor="update_interval0"} 1.25',
      'node_hwmon_voltage_regulator_version{chip="hwmon1",sensor="vrm0"} 11.5',
    ],
  ],
  [
    'elements without a unit',
    { fan1_div: '2', 'fan1_Max-X': '3', pwm1: '128' },
    [
      'node_hwmon_fan_div{chip="hwmon1",sensor="fan1"} 2',
      'node_hwmon_fan_max_x{chip="hwmon1",sensor="fan1"} 3',
      'node_hwmon_pwm{chip="hwmon1",sensor="pwm1"} 128',
    ],
  ],
  [
    'the accuracy of an ACPI power meter',
    { power1_accuracy: '90.0%', power1_average: '1000000' },
    ['node_hwmon_power_average_watt{chip="hwmon1",sensor="power1"} 1'],
  ],
  ['words, nothing, blanks, other types', { power1_model_number: 'X 1', temp4_input: '', foo1_input: '1' }, []],
  ['an empty label', { temp3_label: '\n' }, ['node_hwmon_sensor_label{chip="hwmon1",sensor="temp3",label=""} 1']],
];

for (const [what, files, lines] of FILES) {
  test(`sensor files: ${what}`, async (t) => {
    const collected = await collectOnce(hwmon, chip(t, files));
    assert.deepEqual(collected.lines, lines);
    assert.deepEqual(collected.result.errors, []);
  });
}

const UNREADABLE: readonly (readonly [what: string, files: Readonly<Record<string, string>>, error: RegExp])[] = [
  ['a word instead of a measured value', { temp3_input: 'unknown' }, /temp3_input: expected a number, found "unknown"/],
  ['a percentage that is damaged', { power1_accuracy: '90.%' }, /power1_accuracy: expected a number, found "90.%"/],
  ['a percentage of a measured value', { power1_input: '90.0%' }, /power1_input: expected a number, found "90.0%"/],
  ['NUL bytes', { fan1_input: '\0\0' }, /fan1_input starts with NUL bytes/],
];
for (const [what, files, error] of UNREADABLE) {
  test(`an unreadable sensor is a lost unit: ${what}`, async (t) => {
    const { lines, result } = await collectOnce(hwmon, chip(t, { ...files, in0_input: '1000' }));
    assert.deepEqual(lines, ['node_hwmon_in_volts{chip="hwmon1",sensor="in0"} 1']);
    assert.equal(result.errors.length, 1);
    assert.match(String(result.errors[0]?.message), error);
  });
}

test('the help text has the unit of the value, and the scale of a flag that node_exporter takes for a value', () => {
  const helpOf = (type: string, element: string, name = element) => new Metrics().of(type, element, name).family.help;
  assert.equal(helpOf('in', 'input', ''), 'Voltage in volts.');
  assert.equal(helpOf('in', 'lcrit'), 'Element lcrit of in sensors in volts.');
  assert.equal(helpOf('cpu', '', ''), 'Element input of cpu sensors in volts.');
  assert.equal(helpOf('fan', 'div'), 'Element div of fan sensors.');
  assert.equal(
    helpOf('in', 'lcrit_alarm'),
    'Element lcrit_alarm of in sensors: 0.001 when set, despite the unit in the name.',
  );
  assert.equal(helpOf('power', 'cap_alarm').match(/: .*/)?.[0], ': 0.000001 when set, despite the unit in the name.');
  assert.equal(helpOf('fan', 'min_alarm'), 'Element min_alarm of fan sensors.');
  assert.equal(helpOf('temp', 'enable').match(/: .*/)?.[0], ': 0.001 when set, despite the unit in the name.');
});

/** sysfs denies reading a write-only attribute, even to root. */
class WriteOnlyHost extends Host {
  override rawAttribute(path: string): string | undefined {
    if (/_reset_history$/.test(path)) throw new DeniedFile(path);
    return super.rawAttribute(path);
  }
}

test('a write-only file or a directory is not a sensor; an excluded one is not a loss', async (t) => {
  const paths = chip(t, { temp1_input: '1000', temp1_reset_history: '', 'cpu1_folder/x': '', fan1_input: 'bad' });
  chmodSync(join(paths.sysfs, 'class/hwmon/hwmon1/temp1_reset_history'), 0o200);
  const out = new Snapshot();
  const options = hwmon.options.parse({ sensorExclude: ';fan1$' });
  const world = { host: new WriteOnlyHost(paths), now: Date.now };
  await bindCollector('node', hwmon, world, options).collect(out, new AbortController().signal);
  assert.deepEqual(out.keys, ['node_hwmon_temp_celsius{chip="hwmon1",sensor="temp1"}']);
  assert.deepEqual(out.errors, []);
});

test('chips are named after their device, and after hwmonN where device and name are shared', async (t) => {
  const paths = chipsOn(t, { hwmon0: 'platform/one.0', hwmon1: 'pci0/00:01.0', hwmon2: 'pci0/00:01.0' });
  const { lines } = await collectOnce(hwmon, paths, { chipExclude: 'hwmon2$' });
  assert.deepEqual(lines, [
    'node_hwmon_chip_names{chip="pci0_00:01_0_hwmon1",chip_name="same_name"} 1',
    'node_hwmon_chip_names{chip="platform_one_0",chip_name="same_name"} 1',
    'node_hwmon_in_volts{chip="pci0_00:01_0_hwmon1",sensor="in0"} 1',
    'node_hwmon_in_volts{chip="platform_one_0",sensor="in0"} 1',
  ]);
});

test('a chip on a slow bus is read like any other', async (t) => {
  const { lines } = await collectOnce(hwmon, chipsOn(t, { hwmon0: 'pci0/i2c-1/1-0048' }));
  assert.deepEqual(lines, [
    'node_hwmon_chip_names{chip="i2c_1_1_0048",chip_name="same_name"} 1',
    'node_hwmon_in_volts{chip="i2c_1_1_0048",sensor="in0"} 1',
  ]);
});

test('sensors are selected by chip and sensor', async (t) => {
  const paths = chip(t, { temp1_input: '1000', temp2_input: '2000' });
  const { lines } = await collectOnce(hwmon, paths, { sensorInclude: '^hwmon1;temp2$' });
  assert.deepEqual(lines, ['node_hwmon_temp_celsius{chip="hwmon1",sensor="temp2"} 2']);
  await assert.rejects(
    async () => collectOnce(hwmon, paths, { sensorInclude: 'a', sensorExclude: 'b' }),
    /mutually exclusive/,
  );
});

test('a host without sensors has no data; a file or a dangling link among the chips is ignored', async (t) => {
  assert.equal((await collectOnce(hwmon, hostTree(t, {}))).result.outcome, 'nodata');
  const paths = hostTree(t, { 'sys/class/hwmon/hwmon0': 'a file' });
  symlinkSync('nowhere', join(paths.sysfs, 'class/hwmon/hwmon1'));
  const { lines, result } = await collectOnce(hwmon, paths);
  assert.deepEqual([lines, result.outcome], [[], 'nodata']);
});
