// /proc/swaps: proc_swaps(5). Present on every Linux host; only its header without swap.
import { eachRecord, words } from '../../host/lines.ts';
import { integer } from '../../host/numbers.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const LABELS = ['device', 'swap_type'];
const size = gauge('node_swap_size_bytes', 'Size of the swap device.', LABELS);
const used = gauge('node_swap_used_bytes', 'Used space of the swap device.', LABELS);
const priority = gauge('node_swap_priority', 'Priority of the swap device; the highest is filled first.', LABELS);

/** Swap devices. */
export const swap = defineCollector({
  name: 'swap',
  enabled: false,
  summary: 'Size and use of each swap device, from `/proc/swaps`.',
  options: NO_OPTIONS,
  whenEmpty: 'no swap devices found',
  families: [size, used, priority],
  create({ host }) {
    const path = host.proc('swaps');
    return (out) => {
      eachRecord(out, path, host.read(path), (line) => {
        if (line.startsWith('Filename')) return;
        // Blanks in the name of a swap file are `\040`.
        const [device, type, kibibytes, usedKibibytes, rank] = words(line);
        if (device === undefined || type === undefined) throw new Error('expected a device and its type');
        const [all, taken, order] = [integer(kibibytes), integer(usedKibibytes), integer(rank)];
        out.add(size, all * 1024, device, type);
        out.add(used, taken * 1024, device, type);
        out.add(priority, order, device, type);
      });
    };
  },
});
