// /proc/swaps: proc_swaps(5). Present on every host whose kernel can swap; only its header without swap.
import { eachRecord, type Losses, words } from './lines.ts';
import { count, integer } from './numbers.ts';

/** A swap device or file. */
interface SwapDevice {
  /** Blanks in the name of a file are `\040`. */
  readonly device: string;
  readonly type: string;
  readonly sizeBytes: number;
  readonly usedBytes: number;
  /** The highest is filled first. */
  readonly priority: number;
}

/** The swap devices; undefined for a line that is malformed, which is recorded as a loss. */
export function parseSwaps(lost: Losses, path: string, text: string): (SwapDevice | undefined)[] {
  const devices: (SwapDevice | undefined)[] = [];
  eachRecord(lost, path, text, (line) => {
    if (line.startsWith('Filename')) return;
    const index = devices.push(undefined) - 1;
    const [device, type, kibibytes, usedKibibytes, priority] = words(line);
    if (device === undefined || type === undefined) throw new Error('expected a device and its type');
    const sizeBytes = count(kibibytes) * 1024;
    devices[index] = { device, type, sizeBytes, usedBytes: count(usedKibibytes) * 1024, priority: integer(priority) };
  });
  return devices;
}
