import type * as z from 'zod';
import { createLogProducers, openLogState } from '../../src/collectors/catalogue.ts';
import type { World } from '../../src/collectors/collector.ts';
import type { LogState } from '../../src/collectors/log/state.ts';
import { collectorsSection } from '../../src/collectors/sections.ts';
import { Host } from '../../src/host/host.ts';
import { DEFAULT_PATHS, type HostPaths } from '../../src/host/paths.ts';
import type { CollectorResult } from '../../src/metrics/outcome.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';

type Pods = Parameters<typeof createLogProducers>[3];

interface Surroundings {
  readonly folder?: string;
  readonly paths?: Partial<HostPaths>;
  readonly now?: () => number;
  /** The source of this node's pods. */
  readonly pods?: Pods;
}

/** The collectors of the group `log` in a registry, as in one run of an agent. */
export class LogGroup {
  #registry = new AgentRegistry();
  readonly #state: LogState;
  readonly #world: World;
  readonly #pods: Pods | undefined;
  results: readonly CollectorResult[] = [];

  private constructor(state: LogState, world: World, pods: Pods | undefined) {
    this.#state = state;
    this.#world = world;
    this.#pods = pods;
  }

  /** `sections` as in the configuration; the state file is in `folder`, if given. */
  static async start(
    sections: z.input<typeof collectorsSection>,
    { folder, paths = {}, now = Date.now, pods }: Surroundings = {},
  ): Promise<LogGroup> {
    const host = new Host({ ...DEFAULT_PATHS, ...paths });
    const group = new LogGroup(await openLogState(folder), { host, now }, pods);
    await group.configure(sections);
    return group;
  }

  /** Recreates the collectors, like a reload of the configuration. */
  async configure(sections: z.input<typeof collectorsSection>): Promise<void> {
    this.#registry = new AgentRegistry();
    const producers = await createLogProducers(this.#world, collectorsSection.parse(sections), this.#state, this.#pods);
    for (const producer of producers) this.#registry.addProducer(producer);
  }

  /** Runs one cycle; returns the samples by series. */
  async cycle(): Promise<ReadonlyMap<string, number>> {
    const { groups, results } = await this.#registry.gather(30_000);
    this.results = results;
    const samples = new Map<string, number>();
    for (const snapshot of groups.get('log') ?? []) {
      for (const [index, key] of snapshot.keys.entries()) samples.set(key, snapshot.values[index] as number);
    }
    return samples;
  }

  /** Ends this run; the next one finds the state that the last cycle saved. */
  stop(): void {
    this.#state.close();
  }
}

/** The sum of all series of a family. */
export const totalOf = (samples: ReadonlyMap<string, number>, name: string): number => {
  let total = 0;
  for (const [key, value] of samples) if (key === name || key.startsWith(`${name}{`)) total += value;
  return total;
};
