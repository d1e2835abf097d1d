import { parsedAttribute } from './attributes.ts';
import type { Host } from './host.ts';

/** CONFIG_NR_CPUS is at most 8192; a range beyond this is a damaged file, not a machine. */
const MAX_CPU = 65_535;

/**
 * CPU numbers of a list as the kernel prints them, `0-3,8,10-11`; none for the empty text. Throws on other text.
 * Source: Documentation/admin-guide/cputopology.rst.
 */
export function parseCpuList(text: string): number[] {
  const cpus: number[] = [];
  const trimmed = text.trim();
  if (trimmed === '') return cpus;
  for (const range of trimmed.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!(first <= last && last <= MAX_CPU)) throw new Error(`expected a CPU list, found ${JSON.stringify(range)}`);
    for (let cpu = first; cpu <= last; cpu++) cpus.push(cpu);
  }
  return cpus;
}

/** The CPUs listed in a file; undefined if it is absent. Throws MalformedFile. */
export const cpuListAttribute = (host: Host, path: string): number[] | undefined =>
  parsedAttribute(host, path, parseCpuList);
