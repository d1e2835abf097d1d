// /proc/net/stat/<subsystem>: counters for lnstat(8); a line of names, then one line of hexadecimal counts per CPU.
import { zip } from '../../base/zip.ts';
import type { Host } from '../../host/host.ts';
import { type Losses, words } from '../../host/lines.ts';
import { netPath } from '../../host/net-files.ts';
import { hexadecimal } from '../../host/numbers.ts';
import { recordsOfFile } from '../../host/records.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';
import { FamilyCache } from './family-cache.ts';

/** Counters of network subsystems by CPU. */
export const lnstat = defineCollector({
  name: 'lnstat',
  enabled: false,
  summary:
    'Counters of network subsystems by CPU, `node_lnstat_<name>_total`, from the files in `/proc/net/stat`, whose first ' +
    'lines have the names.',
  options: NO_OPTIONS,
  whenEmpty: 'no statistics files found',
  families: [],
  create({ host }) {
    const folder = netPath(host, 'stat');
    const families = new FamilyCache('counter', ['subsystem', 'cpu']);
    const familyOf = (name: string) => families.get(`node_lnstat_${name}_total`, `Network subsystem counter ${name}.`);
    return (out) => {
      for (const subsystem of host.list(folder)) {
        const path = netPath(host, 'stat', subsystem);
        out.attempt(subsystem, () => {
          for (const { name, cpu, value } of readLnstat(out, host, path)) {
            out.attempt(`${path} ${name}`, () => out.add(familyOf(name), value, subsystem, String(cpu)));
          }
        });
      }
    };
  },
});

/** One count of one CPU. */
interface CpuCount {
  readonly name: string;
  readonly cpu: number;
  readonly value: number;
}

/** All counts of a file. */
function readLnstat(lost: Losses, host: Host, path: string): CpuCount[] {
  const counts: CpuCount[] = [];
  let names: string[] | undefined;
  let cpu = 0;
  recordsOfFile(lost, host, path, (line) => {
    const columns = words(line);
    if (names === undefined) {
      names = columns;
      return;
    }
    const row = cpu++;
    if (columns.length !== names.length) throw new Error(`${columns.length} counts for ${names.length} names`);
    const values = columns.map(hexadecimal);
    for (const [name, value] of zip(names, values)) counts.push({ name, cpu: row, value });
  });
  return counts;
}
