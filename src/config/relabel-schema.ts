import * as z from 'zod';
import { errorText } from '../base/error-text.ts';
import { RELABEL_ACTIONS, type RelabelAction } from '../metrics/relabel/rule.ts';
import { Pattern } from './re2/pattern.ts';

const DEFAULT_REGEX = '(.*)';
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** A label name that may contain groups of the match: `$1`, `${1}`, `job_$name`. */
const LABEL_TEMPLATE = /^(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))(?:\w|\$(?:\{\w+\}|\w+))*$/;

const NEEDS_TARGET: readonly RelabelAction[] = [
  'replace',
  'keepequal',
  'dropequal',
  'lowercase',
  'uppercase',
  'hashmod',
];
/** The fields that an action does not use, so that setting them is a mistake. */
const UNUSED: Partial<Record<RelabelAction, readonly Field[]>> = {
  keepequal: ['regex', 'separator', 'modulus', 'replacement'],
  dropequal: ['regex', 'separator', 'modulus', 'replacement'],
  lowercase: ['replacement', 'regex'],
  uppercase: ['replacement', 'regex'],
  labeldrop: ['source_labels', 'target_label', 'separator', 'modulus', 'replacement'],
  labelkeep: ['source_labels', 'target_label', 'separator', 'modulus', 'replacement'],
};
type Field = 'source_labels' | 'target_label' | 'separator' | 'modulus' | 'replacement' | 'regex';

const fields = z.strictObject({
  source_labels: z
    .array(z.string().regex(LABEL_NAME, 'not a label name'))
    .optional()
    .describe(
      'Labels whose values, joined by the separator, `regex` is matched against; `__name__` is the name of the metric.',
    ),
  separator: z.string().optional().describe('Separator between the values of the source labels; `;` when unset.'),
  regex: z.string().optional().describe('Regular expression in RE2 syntax, anchored at both ends; `(.*)` when unset.'),
  target_label: z
    .string()
    .min(1)
    .optional()
    .describe('Label to set; with `replace` it may contain groups of the match.'),
  replacement: z.string().optional().describe('Value to set, with groups of the match (`$1`); `$1` when unset.'),
  modulus: z.int().min(1).optional().describe('For `hashmod`.'),
  action: z
    .string()
    .transform((word) => word.toLowerCase())
    .pipe(z.enum(RELABEL_ACTIONS))
    .default('replace')
    .describe('Action of the rule, as in Prometheus.'),
});

/** A compiled rule, and its source. */
export class CompiledRule {
  readonly written: z.output<typeof fields>;
  readonly action: RelabelAction;
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  readonly regex: Pattern;
  readonly matchesAll: boolean;
  readonly targetLabel: string;
  readonly replacement: string;
  readonly modulus: number;

  constructor(written: z.output<typeof fields>, regex: Pattern, matchesAll: boolean) {
    this.written = written;
    this.action = written.action;
    this.sourceLabels = written.source_labels ?? [];
    this.separator = written.separator ?? ';';
    this.regex = regex;
    this.matchesAll = matchesAll;
    this.targetLabel = written.target_label ?? '';
    this.replacement = written.replacement ?? '$1';
    this.modulus = written.modulus ?? 1;
  }
}

/** A rule in Prometheus syntax, compiled. */
const rule = fields.transform((written, context) => {
  const { action, target_label: targetLabel = '', regex: source = DEFAULT_REGEX } = written;
  const refuse = (path: Field, message: string) => context.addIssue({ code: 'custom', path: [path], message });
  if (NEEDS_TARGET.includes(action) && targetLabel === '') refuse('target_label', `${action} needs a target_label`);
  for (const field of UNUSED[action] ?? []) {
    if (written[field] !== undefined) refuse(field, `${action} does not use ${field}: remove it`);
  }
  if (action === 'hashmod' && written.modulus === undefined) refuse('modulus', 'hashmod needs a modulus');
  const isTemplate = action === 'replace';
  if (targetLabel !== '' && !(isTemplate ? LABEL_TEMPLATE : LABEL_NAME).test(targetLabel)) {
    refuse('target_label', `${JSON.stringify(targetLabel)} is not a label name`);
  }
  const { replacement = '$1' } = written;
  if (action === 'labelmap' && !LABEL_TEMPLATE.test(replacement)) {
    refuse('replacement', `${JSON.stringify(replacement)} does not make label names`);
  }
  // As in Prometheus: anchored at both ends, and a dot matches any character.
  const whole = `^(?s:${source})$`;
  let regex: Pattern | undefined;
  try {
    regex = Pattern.numbered(whole);
  } catch (cause) {
    // The message quotes the compiled text, which differs from what the user wrote.
    const prefix = `invalid regular expression ${JSON.stringify(whole)}: `;
    const reason = errorText(cause).replace(prefix, () => '');
    refuse('regex', `invalid regular expression ${JSON.stringify(source)}: ${reason}`);
  }
  if (regex === undefined) return z.NEVER;
  return new CompiledRule(written, regex, source === DEFAULT_REGEX || source === '.*');
});

/** A list of rules in Prometheus syntax, such as `metric_relabel_configs`. */
export const relabelRules = () => z.array(rule).default([]);

/** Compiled rules. */
export type RelabelRules = z.output<ReturnType<typeof relabelRules>>;
