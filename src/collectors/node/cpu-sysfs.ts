// /sys/devices/system/cpu: Documentation/ABI/testing/sysfs-devices-system-cpu. Only Intel counts throttling, and on
// x86 most machines can't take their first CPU offline, which then has no file that says whether it is online.
import { join } from 'node:path';
import { countAttribute } from '../../host/attributes.ts';
import { cpuListAttribute } from '../../host/cpu-list.ts';
import type { Host } from '../../host/host.ts';
import { integerOrNone } from '../../host/numbers.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';

const coreThrottles = counter('node_cpu_core_throttles_total', 'Number of times the core was throttled due to heat.', [
  'package',
  'core',
]);
const packageThrottles = counter(
  'node_cpu_package_throttles_total',
  'Number of times the package was throttled due to heat.',
  ['package'],
);
const online = gauge('node_cpu_online', 'Whether the CPU is online.', ['cpu']);
const isolated = gauge('node_cpu_isolated', 'Always 1; a CPU that the kernel keeps free of normal tasks.', ['cpu']);

/** Families of {@link cpuSysfs}. */
export const cpuSysfsFamilies = [coreThrottles, packageThrottles, online, isolated];

/** Data that only changes when a CPU is added or removed. */
interface Survey {
  /** The lists of online and present CPUs at the time of the survey. */
  readonly cpus: string;
  /** Whether it was the first one with these lists: the kernel adds the files of a CPU a moment after listing it. */
  readonly isFirst: boolean;
  readonly online: readonly (readonly [cpu: string, value: number])[];
  readonly throttles: readonly ThrottleCount[];
}

interface ThrottleCount {
  readonly path: string;
  readonly family: Family;
  readonly labels: readonly string[];
}

/** Adds throttle counts and which CPUs are online and isolated. */
export function cpuSysfs(host: Host): (out: Snapshot) => void {
  const folder = host.sys('devices/system/cpu');
  const listOf = (name: string) => host.readIfExists(join(folder, name));
  // The kernel isolates CPUs by its command line, so the list is read once.
  let isolatedCpus: readonly number[] | undefined;
  // Cached because checking all CPUs takes up to four files each, and most hosts have no throttle counts at all.
  let survey: Survey | undefined;
  return (out) => {
    out.attempt('isolated CPUs', () => {
      isolatedCpus ??= cpuListAttribute(host, join(folder, 'isolated')) ?? [];
      for (const cpu of isolatedCpus) out.add(isolated, 1, String(cpu));
    });
    out.attempt('CPU topology', () => {
      const cpus = `${listOf('online')}/${listOf('present')}`;
      const isFirst = survey?.cpus !== cpus;
      if (survey === undefined || isFirst || survey.isFirst) survey = { cpus, isFirst, ...surveyOf(host, folder) };
      for (const [cpu, value] of survey.online) out.add(online, value, cpu);
      for (const { path, family, labels } of survey.throttles) {
        out.attempt(path, () => {
          const times = countAttribute(host, path);
          if (times !== undefined) out.add(family, times, ...labels);
        });
      }
    });
  };
}

function surveyOf(host: Host, folder: string): Omit<Survey, 'cpus' | 'isFirst'> {
  const cpus = host.listIfExists(folder).filter((name) => /^cpu\d+$/.test(name));
  const onlineFile = (cpu: string) => host.attribute(join(folder, cpu, 'online'));
  const canGoOffline = cpus[0] !== undefined && onlineFile(cpus[0]) !== undefined;
  return {
    online: canGoOffline ? cpus.map((cpu) => [cpu.slice('cpu'.length), onlineFile(cpu) === '1' ? 1 : 0]) : [],
    throttles: throttleCounts(host, folder, cpus),
  };
}

/** One file for each core and each package: threads of a core, and cores of a package, report the same count. */
function throttleCounts(host: Host, folder: string, cpus: readonly string[]): ThrottleCount[] {
  const counts = new Map<string, ThrottleCount>();
  const offer = (family: Family, path: string, ...labels: string[]) => {
    const object = `${family.name} ${labels.join(' ')}`;
    if (!counts.has(object) && host.attribute(path) !== undefined) counts.set(object, { path, family, labels });
  };
  for (const cpu of cpus) {
    const id = (name: string) => integerOrNone(host.attribute(join(folder, cpu, 'topology', name))) ?? -1;
    const [packageId, coreId] = [id('physical_package_id'), id('core_id')];
    if (packageId < 0 || coreId < 0) continue;
    const counter = (name: string) => join(folder, cpu, 'thermal_throttle', name);
    offer(coreThrottles, counter('core_throttle_count'), String(packageId), String(coreId));
    offer(packageThrottles, counter('package_throttle_count'), String(packageId));
  }
  return [...counts.values()];
}
