import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bindCollector, type CollectorSpec } from '../../../src/collectors/collector.ts';
import { cpu } from '../../../src/collectors/node/cpu.ts';
import { cpufreq } from '../../../src/collectors/node/cpufreq.ts';
import { Host } from '../../../src/host/host.ts';
import { AgentRegistry } from '../../../src/metrics/registry.ts';
import { collectOnce } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';

const FOLDER = 'sys/devices/system/cpu';
const files = (cpu: number, content: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(content).map(([name, text]) => [`${FOLDER}/cpu${cpu}/cpufreq/${name}`, text]));

test('kHz become Hz; a governor has a sample per available governor', async (t) => {
  const tree = {
    [`${FOLDER}/offline`]: '\n',
    ...files(0, {
      cpuinfo_cur_freq: '1200345\n',
      cpuinfo_avg_freq: '1300000\n',
      cpuinfo_min_freq: '800000\n',
      scaling_governor: 'powersave\n',
      scaling_available_governors: 'performance powersave \n',
    }),
  };
  assert.deepEqual((await collectOnce(cpufreq, hostTree(t, tree))).lines, [
    'node_cpu_frequency_avg_hertz{cpu="0"} 1300000000',
    'node_cpu_frequency_hertz{cpu="0"} 1200345000',
    'node_cpu_frequency_min_hertz{cpu="0"} 800000000',
    'node_cpu_scaling_governor{cpu="0",governor="performance"} 0',
    'node_cpu_scaling_governor{cpu="0",governor="powersave"} 1',
  ]);
});

test('a frequency unknown to the driver, and an offline CPU, have no samples', async (t) => {
  const tree = {
    [`${FOLDER}/offline`]: '1-7\n',
    ...files(0, { cpuinfo_cur_freq: '<unknown>\n', scaling_cur_freq: '1\n' }),
    ...files(1, { scaling_cur_freq: '2\n' }),
  };
  const { lines, result } = await collectOnce(cpufreq, hostTree(t, tree));
  assert.deepEqual(lines, ['node_cpu_scaling_frequency_hertz{cpu="0"} 1000']);
  assert.equal(result.outcome, 'ok');
});

test('the frequencies of cpuinfo and of the hardware are one metric of two collectors', async (t) => {
  const host = new Host(
    hostTree(t, {
      'proc/stat': 'intr 5\n',
      'proc/cpuinfo': 'processor: 0\ncpu MHz: 1000.5\nphysical id: 0\ncore id: 4\n',
      [`${FOLDER}/offline`]: '\n',
      ...files(0, { cpuinfo_cur_freq: '1000000\n' }),
    }),
  );
  const registry = new AgentRegistry();
  const world = { host, now: Date.now };
  registry.addProducer(bindCollector('node', cpu as CollectorSpec, world, cpu.options.parse({ info: true })));
  registry.addProducer(bindCollector('node', cpufreq as CollectorSpec, world, {}));
  const { groups, results } = await registry.gather(5000);
  assert.deepEqual(
    results.map(({ outcome }) => outcome),
    ['ok', 'ok'],
  );
  const series = groups.get('node')?.flatMap(({ keys }) => keys.filter((key) => key.includes('frequency')));
  assert.deepEqual(series, [
    'node_cpu_frequency_hertz{package="0",core="4",cpu="0"}',
    'node_cpu_frequency_hertz{cpu="0"}',
  ]);
});

test('without cpufreq, and without CPUs in sysfs, there is no data', async (t) => {
  const none = await collectOnce(cpufreq, hostTree(t, { [`${FOLDER}/offline`]: '\n', [`${FOLDER}/cpu0/uevent`]: '' }));
  assert.deepEqual([none.result.outcome, none.lines], ['nodata', []]);
  assert.equal((await collectOnce(cpufreq, hostTree(t, {}))).result.outcome, 'nodata');
});

test('a damaged list of offline CPUs is an error that names the file', async (t) => {
  const { result } = await collectOnce(cpufreq, hostTree(t, { [`${FOLDER}/offline`]: '3-1\n' }));
  assert.equal(result.outcome, 'fault');
  assert.match(result.reason ?? '', /offline:1: expected a CPU list, found "3-1"/);
});
