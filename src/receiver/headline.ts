import { byName } from '../base/by-name.ts';
import { labelsOf } from './samples.ts';
import type { PushSource, StoredSeries } from './store.ts';

/** Key figures from a node's series; undefined if the series do not exist (yet). */
interface Headline {
  readonly instance: string;
  readonly load1: number | undefined;
  /** Share of the time in which the CPUs were not idle, from 0 to 1. */
  readonly cpuBusy: number | undefined;
  readonly memoryAvailableBytes: number | undefined;
  readonly memoryBytes: number | undefined;
  /** Used share of `/` as df shows it, from 0 to 1. */
  readonly rootUsed: number | undefined;
  readonly rootBytes: number | undefined;
  readonly receivedPerSecond: number | undefined;
  readonly sentPerSecond: number | undefined;
}

/** Interfaces whose bytes are also counted by another one. */
const INNER_DEVICE = /^(?:lo|veth|cali|cni|flannel|docker|br-|lxc|cilium|tunl|virbr)/;

/** The headline of each instance that pushes node metrics, by its newest target, sorted by instance. */
export function headlines(targets: Iterable<PushSource>): Headline[] {
  const newest = new Map<string, PushSource>();
  for (const target of targets) {
    if (!target.families.has('node_load1') && !target.families.has('node_cpu_seconds_total')) continue;
    const instance = target.labels.get('instance') ?? '';
    const known = newest.get(instance);
    // Of two protocols with the same data, the one with the time of collection gives better rates.
    if (!known || (known.protocol === 'pushgateway' && target.protocol === 'vm')) newest.set(instance, target);
  }
  return [...newest].sort(byName).map(([name, target]) => headline(name, target));
}

function headline(instance: string, target: PushSource): Headline {
  const all = (family: string): Iterable<StoredSeries> => target.families.get(family)?.series.values() ?? [];
  const first = (family: string, label?: string, wanted?: string): number | undefined => {
    for (const { key, value } of all(family)) if (!label || labelsOf(key).get(label) === wanted) return value;
    return undefined;
  };
  const outer = (family: string) =>
    rate(all(family), ({ key }) => !INNER_DEVICE.test(labelsOf(key).get('device') ?? ''));
  const size = first('node_filesystem_size_bytes', 'mountpoint', '/');
  const free = first('node_filesystem_free_bytes', 'mountpoint', '/');
  const available = first('node_filesystem_avail_bytes', 'mountpoint', '/');
  return {
    instance,
    load1: first('node_load1'),
    cpuBusy: cpuBusy(all('node_cpu_seconds_total')),
    memoryAvailableBytes: first('node_memory_MemAvailable_bytes'),
    memoryBytes: first('node_memory_MemTotal_bytes'),
    rootUsed: usedShare(size, free, available),
    rootBytes: size,
    receivedPerSecond: outer('node_network_receive_bytes_total'),
    sentPerSecond: outer('node_network_transmit_bytes_total'),
  };
}

/** As df: blocks that only root may use count neither as used nor as free. */
function usedShare(size?: number, free?: number, available?: number): number | undefined {
  if (size === undefined || free === undefined || available === undefined) return undefined;
  const used = size - free;
  return used + available > 0 ? used / (used + available) : undefined;
}

function cpuBusy(cpus: Iterable<StoredSeries>): number | undefined {
  let idle = 0;
  let total = 0;
  for (const series of cpus) {
    const { growth } = growthOf(series);
    total += growth;
    if (labelsOf(series.key).get('mode') === 'idle') idle += growth;
  }
  return total > 0 ? 1 - idle / total : undefined;
}

/** The sum of the counters' growth per second; undefined before the second push. */
function rate(counters: Iterable<StoredSeries>, wanted: (series: StoredSeries) => boolean): number | undefined {
  let sum: number | undefined;
  for (const series of counters) {
    const { growth, seconds } = growthOf(series);
    if (seconds > 0 && wanted(series)) sum = (sum ?? 0) + growth / seconds;
  }
  return sum;
}

/** What a counter grew by between its last two values; a smaller value is a restart from 0. */
function growthOf(series: StoredSeries): { growth: number; seconds: number } {
  const { value, previousValue, timeMs, previousTimeMs } = series;
  if (previousValue === undefined || previousTimeMs === undefined) return { growth: 0, seconds: 0 };
  const growth = value < previousValue ? value : value - previousValue;
  return { growth, seconds: (timeMs - previousTimeMs) / 1000 };
}
