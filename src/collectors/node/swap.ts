// /proc/swaps (host/swaps.ts).
import { parseSwaps } from '../../host/swaps.ts';
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
      for (const swap of parseSwaps(out, path, host.read(path))) {
        if (swap === undefined) continue;
        out.add(size, swap.sizeBytes, swap.device, swap.type);
        out.add(used, swap.usedBytes, swap.device, swap.type);
        out.add(priority, swap.priority, swap.device, swap.type);
      }
    };
  },
});
