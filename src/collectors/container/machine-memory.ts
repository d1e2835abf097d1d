import type { Host } from '../../host/host.ts';
import type { MachineMemory } from './reading.ts';

/** Memory and swap of the machine, from proc_meminfo(5). Throws MissingFile, DeniedFile or UnreadableFile. */
export function readMachineMemory(host: Host): MachineMemory {
  const text = host.read(host.proc('meminfo'));
  const bytes = (key: string) => {
    const [, kibibytes] = new RegExp(`^${key}:\\s+(\\d{1,16}) kB$`, 'm').exec(text) ?? [];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  };
  return { totalBytes: bytes('MemTotal'), swapTotalBytes: bytes('SwapTotal'), swapFreeBytes: bytes('SwapFree') };
}

/** Defaults for a machine whose meminfo is unreadable. */
export const NO_MACHINE_MEMORY: MachineMemory = {
  totalBytes: undefined,
  swapTotalBytes: undefined,
  swapFreeBytes: undefined,
};
