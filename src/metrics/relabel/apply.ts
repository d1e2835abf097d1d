import { createHash } from 'node:crypto';
import type { RelabelRule } from './rule.ts';
import { expand } from './template.ts';

/** Labels by name, including `__name__`, changed in place. A label with an empty value does not exist. */
export type LabelMap = Map<string, string>;

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * Applies rules in order, like Prometheus. Returns false when a rule drops the series or target; `labels` must not be
 * used then. Throws the error of a pattern for a text that is too expensive to match.
 */
export function applyRules(labels: LabelMap, rules: readonly RelabelRule[]): boolean {
  for (const rule of rules) if (!applyRule(labels, rule)) return false;
  return true;
}

function applyRule(labels: LabelMap, rule: RelabelRule): boolean {
  const { action, regex, targetLabel } = rule;
  switch (action) {
    case 'replace':
      replace(labels, rule);
      return true;
    case 'keep':
      return regex.test(sourceOf(labels, rule));
    case 'drop':
      return !regex.test(sourceOf(labels, rule));
    case 'keepequal':
      return sourceOf(labels, rule) === (labels.get(targetLabel) ?? '');
    case 'dropequal':
      return sourceOf(labels, rule) !== (labels.get(targetLabel) ?? '');
    case 'labelmap':
      for (const [name, value] of [...labels]) {
        const groups = regex.groups(name);
        if (groups) set(labels, expand(rule.replacement, groups), value);
      }
      return true;
    case 'labeldrop':
      for (const name of [...labels.keys()]) if (regex.test(name)) labels.delete(name);
      return true;
    case 'labelkeep':
      for (const name of [...labels.keys()]) if (!regex.test(name)) labels.delete(name);
      return true;
    case 'lowercase':
      set(labels, targetLabel, sourceOf(labels, rule).toLowerCase());
      return true;
    case 'uppercase':
      set(labels, targetLabel, sourceOf(labels, rule).toUpperCase());
      return true;
    case 'hashmod': {
      const hash = createHash('md5').update(sourceOf(labels, rule)).digest().readBigUInt64BE(8);
      set(labels, targetLabel, String(hash % BigInt(rule.modulus)));
      return true;
    }
  }
}

function replace(labels: LabelMap, rule: RelabelRule): void {
  const { regex, matchesAll, targetLabel, replacement } = rule;
  const source = sourceOf(labels, rule);
  const isPlain = !targetLabel.includes('$') && !replacement.includes('$');
  if (isPlain) {
    if (matchesAll || regex.test(source)) set(labels, targetLabel, replacement);
    return;
  }
  const groups = regex.groups(source);
  if (groups === undefined) return;
  const name = expand(targetLabel, groups);
  if (LABEL_NAME.test(name)) set(labels, name, expand(replacement, groups));
}

function sourceOf(labels: LabelMap, { sourceLabels, separator }: RelabelRule): string {
  const [first, ...more] = sourceLabels;
  if (first === undefined) return '';
  let text = labels.get(first) ?? '';
  for (const name of more) text += separator + (labels.get(name) ?? '');
  return text;
}

/** An empty value removes the label. */
function set(labels: LabelMap, name: string, value: string): void {
  if (value === '') labels.delete(name);
  else labels.set(name, value);
}
