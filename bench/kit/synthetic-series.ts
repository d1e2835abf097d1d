import { counter, type Family, gauge } from '../../src/metrics/family.ts';
import type { Snapshot } from '../../src/metrics/snapshot.ts';
import { labelBlock } from '../../src/metrics/text/format.ts';
import { randomFrom } from '../../test/kit/random.ts';

const LABELS = ['container', 'id', 'image', 'name', 'namespace', 'pod'];

/** Families like cAdvisor's: each container has one series of each. */
const COUNTERS: readonly Family[] = [
  ...['cpu_usage_seconds', 'cpu_user_seconds', 'cpu_system_seconds', 'cpu_cfs_periods', 'cpu_cfs_throttled_periods'],
  ...['fs_reads_bytes', 'fs_writes_bytes', 'network_receive_bytes', 'network_transmit_bytes', 'memory_failcnt'],
].map((name) => counter(`container_${name}_total`, `Synthetic ${name}.`, LABELS));

const GAUGES: readonly Family[] = [
  ...['memory_usage_bytes', 'memory_working_set_bytes', 'memory_rss', 'memory_cache', 'memory_swap'],
  ...['spec_memory_limit_bytes', 'spec_cpu_quota', 'spec_cpu_shares', 'processes', 'threads'],
].map((name) => gauge(`container_${name}`, `Synthetic ${name}.`, LABELS));

const ALL = [...COUNTERS, ...GAUGES];

/** Series like those of the containers of a large node; about half of them change in each cycle. */
export class SyntheticSeries {
  readonly #keys: string[] = [];
  readonly #owners: Family[] = [];
  readonly #values: number[] = [];
  readonly #steps: number[] = [];

  constructor(count: number) {
    const random = randomFrom('series');
    const hex = (digits: number) => Array.from({ length: digits }, () => random.below(16).toString(16)).join('');
    for (let labels = ''; this.#keys.length < count; ) {
      const family = ALL[this.#keys.length % ALL.length] as Family;
      if (family === ALL[0]) {
        const app = `service-${random.below(40)}`;
        const id = `/kubepods.slice/kubepods-pod${hex(32)}.slice/cri-containerd-${hex(64)}.scope`;
        const pod = `${app}-${hex(10)}-${hex(5)}`;
        labels = labelBlock(LABELS, [app, id, `registry.example.com/shop/${app}:1.42.7`, hex(64), 'shop', pod]);
      }
      this.#keys.push(family.name + labels);
      this.#owners.push(family);
      this.#values.push(random.below(1e9) / (random.chance(0.3) ? 1000 : 1));
      this.#steps.push(random.chance(0.5) ? random.below(1e6) / 1000 : 0);
    }
  }

  /** Adds the next cycle's samples. */
  fill(out: Snapshot): void {
    for (let index = 0; index < this.#keys.length; index++) {
      const value = (this.#values[index] as number) + (this.#steps[index] as number);
      this.#values[index] = value;
      out.addSeries(this.#owners[index] as Family, this.#keys[index] as string, Math.round(value * 1000) / 1000);
    }
  }
}
