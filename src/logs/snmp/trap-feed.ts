import type { Feed } from '../feed.ts';

/** A trap as passed on by the collector `snmp`. */
interface ReceivedTrap {
  readonly version: string;
  readonly oid: string;
  /** Hundredths of a second since the sender's start. */
  readonly uptime: number | undefined;
  readonly agentAddress: string | undefined;
  readonly varbinds: readonly { readonly oid: string; readonly value: string | Uint8Array }[];
}

/** A trap with its source, its name ('' without one), and the time of its arrival, microseconds since 1970. */
export type Arrival = readonly [trap: ReceivedTrap, source: string, name: string, timeUs: number];

/** Passes traps of the collector to all lanes that ship them. */
export type TrapFeed = Feed<Arrival>;
