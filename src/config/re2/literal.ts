import type { Node } from './syntax-tree.ts';

/** Literals to search for before the expression is evaluated, which is many times faster. */
export interface Literals {
  /** Every match contains one of them; empty when unknown. */
  readonly required: readonly string[];
  /** Every match begins with it; empty when unknown. */
  readonly prefix: string;
  /** Whether the expression matches every text that contains `required`. */
  readonly isWhole: boolean;
}

/** Searching for more alternatives would take longer than the expression. */
const MAX_CHOICES = 6;

/** The texts that every match of an expression must contain or begin with. */
export function literalsOf(tree: Node): Literals {
  const whole = plainText(tree);
  if (whole !== undefined) return { required: whole === '' ? [] : [whole], prefix: whole, isWhole: whole !== '' };
  const choices = tree.kind === 'either' ? tree.choices : [tree];
  const required = choices.map(longestRun);
  const isKnown = required.length <= MAX_CHOICES && required.every((text) => text !== '');
  return { required: isKnown ? required : [], prefix: prefixOf(tree), isWhole: false };
}

/** The character of a single-character set. */
function onlyCharacter(node: Node): string | undefined {
  if (node.kind !== 'set') return undefined;
  const [first, second] = node.ranges;
  return first !== undefined && second === undefined && first[0] === first[1]
    ? String.fromCodePoint(first[0])
    : undefined;
}

/** The text of a purely literal expression. */
function plainText(tree: Node): string | undefined {
  const parts = tree.kind === 'concat' ? tree.parts : [tree];
  const characters = parts.map(onlyCharacter);
  return characters.includes(undefined) ? undefined : characters.join('');
}

function prefixOf(tree: Node): string {
  let prefix = '';
  for (const part of tree.kind === 'concat' ? tree.parts : [tree]) {
    const character = onlyCharacter(part);
    if (character === undefined) break;
    prefix += character;
  }
  return prefix;
}

/** The longest text that every match of a part without alternatives contains. */
function longestRun(tree: Node): string {
  const runs: string[] = [];
  let run = '';
  const cut = () => {
    runs.push(run);
    run = '';
  };
  const visit = (node: Node): void => {
    const character = onlyCharacter(node);
    if (character !== undefined) run += character;
    else if (node.kind === 'concat') for (const part of node.parts) visit(part);
    else if (node.kind === 'group') visit(node.of);
    else if (node.kind === 'repeat') {
      // It occurs at least once, but what follows need not be adjacent.
      if (node.min > 0) visit(node.of);
      cut();
    } else if (node.kind !== 'assert') cut();
  };
  visit(tree);
  cut();
  return runs.reduce((longest, one) => (one.length > longest.length ? one : longest), '');
}
