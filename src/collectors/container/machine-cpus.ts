// The CPUs of the machine: proc_cpuinfo(5), whose form depends on the architecture, proc_stat(5), and the topology in sysfs.
import type { Host } from '../../host/host.ts';
import type { Losses } from '../../host/lines.ts';
import { textOrLost } from '../../host/records.ts';

/** Online CPUs. Unknown values are undefined. */
interface MachineCpus {
  readonly count: number;
  readonly cores: number | undefined;
  readonly sockets: number | undefined;
}

/**
 * Reads them from cpuinfo, if it lists CPUs one by one, else from stat, which always does. A cpuinfo that
 * can't be read is recorded as a loss. Throws MissingFile, DeniedFile or UnreadableFile for a stat that is needed then, and
 * Error if neither lists a CPU.
 */
export function readMachineCpus(lost: Losses, host: Host): MachineCpus {
  const text = textOrLost(lost, host, host.proc('cpuinfo')) ?? '';
  const cpus = [...new Set([...listed(text), ...(listed(text).length === 0 ? online(host) : [])])];
  if (cpus.length === 0) throw new Error(`${host.proc('cpuinfo')} and ${host.proc('stat')} list no CPUs`);
  const different = (key: string, file: string) => {
    const inCpuinfo = values(text, new RegExp(`^${key}\\s*:\\s*(\\d+)\\s*$`, 'gm'));
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

/** `processor : 0` on most architectures, `processor 0: version = …` on s390x. */
const listed = (cpuinfo: string): string[] => values(cpuinfo, /^processor(?:\s*:\s*(\d+)\s*$|\s+(\d+):)/gm);

/** Single-core ARM has a line `Processor` without a number. */
const online = (host: Host): string[] => values(host.read(host.proc('stat')), /^cpu(\d+) /gm);

const values = (text: string, line: RegExp): string[] =>
  [...text.matchAll(line)].map(([, first, second]) => first ?? second ?? '');
