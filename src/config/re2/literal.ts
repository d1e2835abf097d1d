import type { Node } from './parse.ts';

/**
 * The longest text that every match must contain, empty when there is none. To look for it first is many times as fast as
 * the automaton, which has to look at each character.
 */
export function requiredLiteral(tree: Node): string {
  const runs: string[] = [];
  let run = '';
  const cut = () => {
    runs.push(run);
    run = '';
  };
  const visit = (node: Node): void => {
    switch (node.kind) {
      case 'set': {
        const [first, second] = node.ranges;
        if (first !== undefined && second === undefined && first[0] === first[1]) run += String.fromCodePoint(first[0]);
        else cut();
        return;
      }
      case 'assert':
        return;
      case 'concat':
        for (const part of node.parts) visit(part);
        return;
      case 'group':
        visit(node.of);
        return;
      case 'repeat':
        // At least once it is there, but what follows need not come right behind that.
        if (node.min > 0) visit(node.of);
        cut();
        return;
      default:
        cut();
    }
  };
  visit(tree);
  cut();
  return runs.reduce((longest, one) => (one.length > longest.length ? one : longest), '');
}
