import type { Ranges } from './ranges.ts';

/** An assertion between two characters. */
export type Assertion = 'begin' | 'end' | 'line-begin' | 'line-end' | 'boundary' | 'no-boundary';

/** An expression as a tree. Unnamed groups are not represented. */
export type Node =
  | { readonly kind: 'set'; readonly ranges: Ranges }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | { readonly kind: 'concat'; readonly parts: readonly Node[] }
  | { readonly kind: 'either'; readonly choices: readonly Node[] }
  | { readonly kind: 'repeat'; readonly of: Node; readonly min: number; readonly max: number; readonly lazy: boolean }
  | { readonly kind: 'group'; readonly of: Node; readonly name: string };

/** The largest product of nested counted repetitions. */
export function repeats(node: Node): number {
  switch (node.kind) {
    case 'concat':
      return Math.max(1, ...node.parts.map(repeats));
    case 'either':
      return Math.max(1, ...node.choices.map(repeats));
    case 'group':
      return repeats(node.of);
    case 'repeat':
      return Math.max(1, Number.isFinite(node.max) ? node.max : node.min) * repeats(node.of);
    default:
      return 1;
  }
}
