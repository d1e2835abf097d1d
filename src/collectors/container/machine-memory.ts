import type { Host } from '../../host/host.ts';
import type { MachineMemory } from './reading.ts';

/** Memory and swap of the machine, from proc_meminfo(5). Throws MissingFile. */
export function readMachineMemory(host: Host): MachineMemory {
  const text = host.read(host.proc('meminfo'));
  const bytes = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return { totalBytes: bytes('MemTotal'), swapTotalBytes: bytes('SwapTotal'), swapFreeBytes: bytes('SwapFree') };
}
