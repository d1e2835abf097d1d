/** A trap as the collector `snmp` hands it over. */
export interface ReceivedTrap {
  readonly version: string;
  readonly oid: string;
  /** Hundredths of a second since the sender's start. */
  readonly uptime: number | undefined;
  readonly agentAddress: string | undefined;
  readonly varbinds: readonly { readonly oid: string; readonly value: string | Uint8Array }[];
}

/** A trap with where it came from, its name ('' without one), and the time of its arrival, microseconds since 1970. */
export type Arrival = readonly [trap: ReceivedTrap, source: string, name: string, timeUs: number];

/** Traps that are kept until someone takes them. */
const MAX_KEPT = 1000;

/** Hands traps of the collector to all lanes that ship them. */
export class TrapFeed {
  readonly #takers = new Set<(arrival: Arrival) => void>();
  #kept: Arrival[] = [];

  /** Gives all traps from now on, and those that nobody has taken; returns what ends it. */
  subscribe(take: (arrival: Arrival) => void): () => void {
    this.#takers.add(take);
    for (const arrival of this.#kept.splice(0)) take(arrival);
    return () => this.#takers.delete(take);
  }

  publish(...arrival: Arrival): void {
    if (this.#takers.size === 0 && this.#kept.length < MAX_KEPT) this.#kept.push(arrival);
    for (const take of this.#takers) take(arrival);
  }
}
