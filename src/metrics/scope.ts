import { Registry } from 'prom-client';
import type { Family } from './family.ts';
import type { ResourceStatus } from './outcome.ts';
import type { Prepared } from './prepared.ts';
import type { Snapshot } from './snapshot.ts';

/** Makes one collector's snapshot. Adds what it sees to `out`; throws {@link NoData} or a fault. */
export interface Producer {
  readonly group: string;
  readonly name: string;
  /** What it was made from: a reload keeps a producer, and what it remembers, while this stays equal. */
  readonly settings?: unknown;
  /** A family with one series, which is set to 1 when anything of the producer is lost, also what is refused later. */
  readonly errorFlag?: Family;
  /** Whether its series differ by a label from those that others have of the same families, which then are no conflict. */
  readonly shares?: boolean;
  /** Why there may be no sample although all went well; without it, no sample is a fault. */
  readonly whenEmpty?: string | undefined;
  /** A fault that leaves the samples valid; asked after each collection. */
  readonly failure?: () => string | undefined;
  /** The resources that it follows, for the status page. */
  readonly resources?: () => readonly ResourceStatus[];
  collect(out: Snapshot, signal: AbortSignal): void | Promise<void>;
}

/**
 * What one part of the agent adds to the registry: producers, prepared parts, and prom-client's own
 * counters and histograms about itself. It comes and goes as a whole.
 */
export class Scope extends Registry {
  readonly #producers: Producer[] = [];
  readonly #prepared: Prepared[] = [];

  get producers(): readonly Producer[] {
    return this.#producers;
  }

  /** The prepared parts. */
  get prepared(): readonly Prepared[] {
    return this.#prepared;
  }

  /** Registers a producer. Throws when the group already has one of that name. */
  addProducer(producer: Producer): void {
    const { group, name } = producer;
    const taken = this.#producers.some((other) => other.group === group && other.name === name);
    if (taken) throw new Error(`BUG: collector ${group}.${name} is registered twice`);
    this.#producers.push(producer);
  }

  /** Registers a part of a group whose text stays compressed between cycles. */
  addPrepared(prepared: Prepared): void {
    this.#prepared.push(prepared);
  }
}
