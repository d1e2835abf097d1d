import { bindCollector, type CollectorSpec } from '../../src/collectors/collector.ts';
import { Host } from '../../src/host/host.ts';
import type { HostPaths } from '../../src/host/paths.ts';
import type { CollectorResult } from '../../src/metrics/outcome.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';
import type { Snapshot } from '../../src/metrics/snapshot.ts';
import { numberText } from '../../src/metrics/text/format.ts';

/** The result of one run of one collector. */
export interface Collected {
  /** Sample lines, `name{labels} value`, sorted. */
  readonly lines: string[];
  readonly result: CollectorResult;
  readonly snapshot: Snapshot;
}

/** A collector for `paths`, for several runs; options as in the configuration, with defaults. */
export function collectorOn(
  spec: CollectorSpec,
  paths: HostPaths,
  options: object = {},
  now: () => number = Date.now,
  deadlineMs = 5000,
): () => Promise<Collected> {
  const registry = new AgentRegistry();
  registry.addProducer(bindCollector('node', spec, { host: new Host(paths), now }, spec.options.parse(options)));
  return async () => {
    const { groups, results } = await registry.gather(deadlineMs);
    const snapshot = groups.get('node')?.[0] as Snapshot;
    const lines = snapshot.keys.map((key, index) => `${key} ${numberText(snapshot.values[index] as number)}`).sort();
    return { lines, result: results[0] as CollectorResult, snapshot };
  };
}

/** One run of one collector. */
export const collectOnce = (spec: CollectorSpec, paths: HostPaths, options: object = {}): Promise<Collected> =>
  collectorOn(spec, paths, options)();
