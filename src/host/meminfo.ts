// /proc/meminfo: proc_meminfo(5); the lines of a NUMA node's meminfo in sysfs end the same way.
import { eachRecord, type Losses, words } from './lines.ts';
import { count } from './numbers.ts';

/**
 * The wanted lines in the file's order, in bytes or as plain counts; undefined for one that is malformed, which is
 * recorded as a loss. Other lines are skipped: their formats differ between kernels.
 */
export function parseMeminfo(
  lost: Losses,
  path: string,
  text: string,
  wanted: { has(name: string): boolean },
): Map<string, number | undefined> {
  const lines = new Map<string, number | undefined>();
  eachRecord(lost, path, text, (line) => {
    const colon = line.indexOf(':');
    if (colon === -1) throw new Error('expected a name, a colon and a value');
    const name = line.slice(0, colon);
    if (!wanted.has(name)) return;
    if (lines.has(name)) throw new Error(`${name} is listed twice`);
    lines.set(name, undefined);
    lines.set(name, memoryValue(line.slice(colon + 1)));
  });
  return lines;
}

/** The value after the colon: `1052 kB` in bytes, or a plain count. Throws on any other unit. */
export function memoryValue(text: string): number {
  const [value, unit] = words(text);
  if (unit !== undefined && unit !== 'kB') throw new Error(`unknown unit ${JSON.stringify(unit)}`);
  return count(value) * (unit === 'kB' ? 1024 : 1);
}
