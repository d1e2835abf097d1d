import { fnv1a64 } from '../base/fnv.ts';

/**
 * When within the interval this node pushes, in milliseconds: fixed for a node, so that its samples are evenly
 * spaced, and spread over the nodes, so that they don't all reach the receiver at once.
 */
export const nodePhaseMs = (cluster: string, node: string, intervalMs: number): number =>
  Number(fnv1a64(`${cluster}/${node}`) % BigInt(intervalMs));

/** The first tick after `nowMs`: of those at `k * intervalMs + phaseMs` since 1970. */
export const nextTickMs = (nowMs: number, intervalMs: number, phaseMs: number): number =>
  (Math.floor((nowMs - phaseMs) / intervalMs) + 1) * intervalMs + phaseMs;
