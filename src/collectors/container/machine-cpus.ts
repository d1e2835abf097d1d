// The CPUs of the machine: /proc/cpuinfo (host/cpuinfo.ts), /proc/stat (host/kernel-stat.ts), and the topology in sysfs.
import { parseCpuinfo } from '../../host/cpuinfo.ts';
import type { Host } from '../../host/host.ts';
import { parseCpuTicks } from '../../host/kernel-stat.ts';
import type { Losses } from '../../host/lines.ts';
import { textOrLost } from '../../host/records.ts';

/** Online CPUs. Unknown values are undefined. */
interface MachineCpus {
  readonly count: number;
  readonly cores: number | undefined;
  readonly sockets: number | undefined;
}

const IDS = new Set(['physical id', 'core id']);

/**
 * Reads them from cpuinfo, if it lists CPUs one by one, else from stat, which always does. A cpuinfo that
 * can't be read is recorded as a loss. Throws MissingFile, DeniedFile or UnreadableFile for a stat that is needed then, and
 * Error if neither lists a CPU.
 */
export function readMachineCpus(lost: Losses, host: Host): MachineCpus {
  const path = host.proc('cpuinfo');
  const text = textOrLost(lost, host, path);
  const listed = text === undefined ? [] : parseCpuinfo(lost, path, text, IDS);
  const cpus = listed.length > 0 ? listed.map((cpu) => cpu.get('processor') ?? '') : online(lost, host);
  if (cpus.length === 0) throw new Error(`${path} and ${host.proc('stat')} list no CPUs`);
  const different = (field: string, file: string) => {
    const inCpuinfo = listed.flatMap((cpu) => cpu.get(field) ?? []);
    const ids =
      inCpuinfo.length > 0
        ? inCpuinfo
        : cpus.map((cpu) => host.attribute(host.sys(`devices/system/cpu/cpu${cpu}/topology`, file)));
    const count = new Set(ids.filter((id) => id !== undefined)).size;
    return count === 0 ? undefined : count;
  };
  return {
    count: cpus.length,
    cores: different('core id', 'core_id'),
    sockets: different('physical id', 'physical_package_id'),
  };
}

function online(lost: Losses, host: Host): string[] {
  const path = host.proc('stat');
  return [...parseCpuTicks(lost, path, host.read(path)).keys()];
}
