import { phaseOf } from '../base/fnv.ts';

/**
 * The offset within the interval at which this node pushes, in milliseconds. It is fixed for a node, so that its
 * samples are evenly spaced, and differs between nodes, so that they don't all push at the same time.
 */
export const nodePhaseMs = (cluster: string, node: string, intervalMs: number): number =>
  phaseOf(`${cluster}/${node}`, intervalMs);

/** The first tick after `nowMs`. Ticks are at `k * intervalMs + phaseMs` since 1970. */
export const nextTickMs = (nowMs: number, intervalMs: number, phaseMs: number): number =>
  (Math.floor((nowMs - phaseMs) / intervalMs) + 1) * intervalMs + phaseMs;
