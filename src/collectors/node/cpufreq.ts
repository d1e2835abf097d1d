// /sys/devices/system/cpu/cpu<N>/cpufreq: Documentation/admin-guide/pm/cpufreq.rst. Absent on most virtual machines.
import { join } from 'node:path';
import { cpuListAttribute } from '../../host/cpu-list.ts';
import type { Host } from '../../host/host.ts';
import { oneLine, words } from '../../host/lines.ts';
import { count } from '../../host/numbers.ts';
import { type Family, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { labelBlock } from '../../metrics/text/format.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

/** The clock as reported by the hardware; in the cpu collector it has package and core labels, here only the CPU. */
export const cpuFrequency = gauge('node_cpu_frequency_hertz', 'Current CPU frequency.', ['package', 'core', 'cpu']);
const governor = gauge('node_cpu_scaling_governor', 'Whether the CPU uses this governor.', ['cpu', 'governor']);

/** Families by file; all files are in kHz. */
const SETTINGS: Readonly<Record<string, Family>> = {
  cpuinfo_min_freq: gauge('node_cpu_frequency_min_hertz', 'Minimum hardware frequency of the CPU.', ['cpu']),
  cpuinfo_max_freq: gauge('node_cpu_frequency_max_hertz', 'Maximum hardware frequency of the CPU.', ['cpu']),
  scaling_min_freq: gauge('node_cpu_scaling_frequency_min_hertz', 'Lowest currently allowed frequency.', ['cpu']),
  scaling_max_freq: gauge('node_cpu_scaling_frequency_max_hertz', 'Highest currently allowed frequency.', ['cpu']),
};

/**
 * Files for which the kernel queries the CPU itself. Before Linux 5.18 it sleeps 10 ms for each on x86, so they are
 * read off the main thread.
 */
const MEASURED: Readonly<Record<string, Family>> = {
  cpuinfo_cur_freq: cpuFrequency,
  cpuinfo_avg_freq: gauge('node_cpu_frequency_avg_hertz', 'CPU frequency, averaged by the hardware.', ['cpu']),
  scaling_cur_freq: gauge(
    'node_cpu_scaling_frequency_hertz',
    'CPU frequency that the kernel last requested or measured.',
    ['cpu'],
  ),
};

/** CPUs queried concurrently: half of libuv's threads, leaving the others for name lookups and gzip. */
const PARALLEL = 2;

/** Clock rates and governors. */
export const cpufreq = defineCollector({
  name: 'cpufreq',
  enabled: true,
  summary:
    'Clock rates and governors of the CPUs, from `/sys/devices/system/cpu/cpu<N>/cpufreq`. Here ' +
    '`node_cpu_frequency_hertz` has only the label `cpu`.',
  options: NO_OPTIONS,
  whenEmpty: 'no CPU has frequency scaling (cpufreq)',
  families: [...Object.values(MEASURED), ...Object.values(SETTINGS), governor],
  create({ host }) {
    return async (out, signal) => {
      const cpus = scaledCpus(out, host);
      const waiting = [...cpus];
      const measureNext = async (): Promise<void> => {
        const cpu = waiting.pop();
        if (cpu === undefined) return;
        signal.throwIfAborted();
        await measure(host, cpu, out);
        return measureNext();
      };
      await Promise.all(Array.from({ length: PARALLEL }, measureNext));
      for (const cpu of cpus) addCpu(out, host, cpu);
    };
  },
});

/** A CPU whose clock can be scaled. */
interface ScaledCpu {
  readonly id: string;
  readonly folder: string;
  readonly files: readonly string[];
  /** Texts of the {@link MEASURED} files, by name. */
  readonly measured: Map<string, string | undefined>;
}

/** The CPUs that are online and have cpufreq; none is not a failure, nor is it in node_exporter. */
function scaledCpus(out: Snapshot, host: Host): ScaledCpu[] {
  const parent = host.sys('devices/system/cpu');
  const offlinePath = join(parent, 'offline');
  const names = host.list(parent);
  const offline = new Set(out.attempt(offlinePath, () => cpuListAttribute(host, offlinePath)));
  const cpus: ScaledCpu[] = [];
  for (const name of names) {
    const id = /^cpu(\d+)$/.exec(name)?.[1];
    const folder = join(parent, name, 'cpufreq');
    if (id === undefined || offline.has(Number(id)) || !host.exists(folder)) continue;
    cpus.push({ id, folder, files: host.listIfExists(folder), measured: new Map() });
  }
  return cpus;
}

async function measure(host: Host, { folder, files, measured }: ScaledCpu, out: Snapshot): Promise<void> {
  for (const name of Object.keys(MEASURED)) {
    if (!files.includes(name)) continue;
    const path = join(folder, name);
    try {
      measured.set(name, await host.attributeLater(path));
    } catch (cause) {
      out.lose(path, cause);
    }
  }
}

function addCpu(out: Snapshot, host: Host, { id, folder, files, measured }: ScaledCpu): void {
  // Drivers that don't know a clock print `<unknown>`: then there is no sample.
  const addHertz = (family: Family, name: string, text: string | undefined) => {
    if (text === undefined || text.startsWith('<')) return;
    const kilohertz = oneLine(join(folder, name), text, count);
    out.addSeries(family, family.name + labelBlock(['cpu'], [id]), kilohertz * 1000);
  };
  const setting = (name: string) => (files.includes(name) ? host.attribute(join(folder, name)) : undefined);
  for (const [name, family] of Object.entries(MEASURED)) {
    out.attempt(`CPU ${id}`, () => addHertz(family, name, measured.get(name)));
  }
  for (const [name, family] of Object.entries(SETTINGS)) {
    out.attempt(`CPU ${id}`, () => addHertz(family, name, setting(name)));
  }
  out.attempt(`CPU ${id}`, () => {
    const current = setting('scaling_governor');
    if (!current) return;
    for (const name of words(setting('scaling_available_governors') ?? '')) {
      out.add(governor, name === current ? 1 : 0, id, name);
    }
  });
}
