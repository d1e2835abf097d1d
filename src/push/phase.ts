import { fnv1a64 } from '../fnv.ts';

/**
 * When within the interval this node pushes, in milliseconds: fixed for a node, so that its samples are evenly
 * spaced, and spread over the nodes, so that they don't all reach the receiver at once.
 */
export const nodePhaseMs = (cluster: string, node: string, intervalMs: number): number =>
  Number(fnv1a64(`${cluster}/${node}`) % BigInt(intervalMs));
