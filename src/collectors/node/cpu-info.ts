// CPU information from /proc/cpuinfo (host/cpuinfo.ts).

import type { Matching } from '../../config/re2/pattern.ts';
import { parseCpuinfo } from '../../host/cpuinfo.ts';
import type { Host } from '../../host/host.ts';
import { filled } from '../../host/lines.ts';
import { decimal } from '../../host/numbers.ts';
import { gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { cpuFrequency } from './cpufreq.ts';

/** Fields in the order of the labels that {@link info} gives them. */
const FIELDS = [
  'physical id',
  'core id',
  'processor',
  'vendor_id',
  'cpu family',
  'model',
  'model name',
  'microcode',
  'stepping',
  'cache size',
];
const WANTED = new Set([...FIELDS, 'cpu MHz', 'flags', 'bugs']);
const info = gauge('node_cpu_info', 'Always 1; CPU information.', [
  'package',
  'core',
  'cpu',
  'vendor',
  'family',
  'model',
  'model_name',
  'microcode',
  'stepping',
  'cachesize',
]);
const flag = gauge('node_cpu_flag_info', 'Always 1; a feature of the first CPU.', ['flag']);
const bug = gauge('node_cpu_bug_info', 'Always 1; a known bug of the first CPU.', ['bug']);

/** Families of {@link cpuInfo}. */
export const cpuInfoFamilies = [info, cpuFrequency, flag, bug];

/** Adds model and clock of all CPUs and the matching flags and bugs of the first. */
export function cpuInfo(host: Host, flags: Matching | undefined, bugs: Matching | undefined): (out: Snapshot) => void {
  const path = host.proc('cpuinfo');
  return (out) =>
    out.attempt(path, () => {
      const cpus = parseCpuinfo(out, path, filled(path, host.read(path)), WANTED);
      if (cpus.length === 0) throw new Error(`${path} lists no CPUs in a known format`);
      for (const cpu of cpus) {
        const labels = FIELDS.map((field) => cpu.get(field) ?? '');
        out.add(info, 1, ...labels);
        const megahertz = cpu.get('cpu MHz');
        if (megahertz === undefined) continue;
        out.attempt(`${path}, CPU ${cpu.get('processor')}`, () =>
          out.add(cpuFrequency, decimal(megahertz) * 1e6, ...labels.slice(0, 3)),
        );
      }
      for (const [family, filter, field] of [
        [flag, flags, 'flags'],
        [bug, bugs, 'bugs'],
      ] as const) {
        for (const word of cpus[0]?.get(field)?.split(' ') ?? []) if (filter?.test(word)) out.add(family, 1, word);
      }
    });
}
