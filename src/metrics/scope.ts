import { Registry } from 'prom-client';
import type { Family } from './family.ts';
import type { ResourceStatus } from './outcome.ts';
import type { Prepared } from './prepared.ts';
import type { Snapshot } from './snapshot.ts';

/** Produces one collector's snapshot. Adds its samples to `out`; throws {@link NoData} or a fault. */
export interface Producer {
  readonly group: string;
  readonly name: string;
  /** The settings it was created from. A reload keeps a producer, and its state, while this is equal. */
  readonly settings?: unknown;
  /**
   * A family with one series, which is set to 1 when any data of the producer is lost, including data rejected later.
   */
  readonly errorFlag?: Family;
  /**
   * Whether a label distinguishes its series from those of other producers of the same families, so that they do not
   * conflict.
   */
  readonly shares?: boolean;
  /** Why a successful run may have no samples. Without it, a run without samples is a fault. */
  readonly whenEmpty?: string | undefined;
  /** A fault that leaves the samples valid. Called after each collection. */
  readonly failure?: () => string | undefined;
  /** The resources that it follows, for the status page. */
  readonly resources?: () => readonly ResourceStatus[];
  collect(out: Snapshot, signal: AbortSignal): void | Promise<void>;
}

/**
 * What one part of the agent adds to the registry: producers, prepared parts, and prom-client counters and histograms
 * about itself. It is attached and detached as a whole.
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
