import type { Host } from '../../host/host.ts';
import { filled, type Losses } from '../../host/lines.ts';
import { parseMeminfo } from '../../host/meminfo.ts';
import type { MachineMemory } from './reading.ts';

const WANTED = new Set(['MemTotal', 'SwapTotal', 'SwapFree']);

/**
 * Memory and swap of the machine, from proc_meminfo(5). A malformed line, or a missing MemTotal, is recorded as a loss.
 * Throws MissingFile, DeniedFile or UnreadableFile, and Error for an empty file.
 */
export function readMachineMemory(lost: Losses, host: Host): MachineMemory {
  const path = host.proc('meminfo');
  const lines = parseMeminfo(lost, path, filled(path, host.read(path)), WANTED);
  if (!lines.has('MemTotal')) lost.lose(path, new Error('expected a line MemTotal'));
  return {
    totalBytes: lines.get('MemTotal'),
    swapTotalBytes: lines.get('SwapTotal'),
    swapFreeBytes: lines.get('SwapFree'),
  };
}

/** Defaults for a machine whose meminfo is unreadable. */
export const NO_MACHINE_MEMORY: MachineMemory = {
  totalBytes: undefined,
  swapTotalBytes: undefined,
  swapFreeBytes: undefined,
};
