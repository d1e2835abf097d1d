// /proc/sys/kernel/random: random(4). Present on every Linux host.
import { oneLine } from '../../host/lines.ts';
import { count } from '../../host/numbers.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const available = gauge('node_entropy_available_bits', 'Entropy in the pool; always 256 since Linux 5.18.');
const poolSize = gauge('node_entropy_pool_size_bits', 'Entropy pool size.');

/** The kernel's entropy pool. */
export const entropy = defineCollector({
  name: 'entropy',
  enabled: true,
  summary: "The kernel's entropy pool, from `/proc/sys/kernel/random`.",
  options: NO_OPTIONS,
  whenEmpty: 'the kernel has neither entropy_avail nor poolsize',
  families: [available, poolSize],
  create({ host }) {
    return (out) => {
      for (const [family, name] of [
        [available, 'entropy_avail'],
        [poolSize, 'poolsize'],
      ] as const) {
        const path = host.proc('sys/kernel/random', name);
        out.attempt(path, () => {
          const text = host.readIfExists(path);
          if (text !== undefined) out.add(family, oneLine(path, text.trim(), count));
        });
      }
    };
  },
});
