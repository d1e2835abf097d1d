import { PRIORITIES } from '../../base/syslog.ts';
import type { Pattern } from '../../config/re2/pattern.ts';
import { CounterSet } from './counter-set.ts';
import { journalMatches } from './families.ts';
import type { JournalRecord } from './journal-feed.ts';
import type { JournalRule } from './options.ts';

/** The name of a PRIORITY value; empty for anything else. */
export const priorityName = (text: string | undefined): string => PRIORITIES[Number(text || 'NaN')] ?? '';

/** Maximum length of a label taken from a matched group. */
const MAX_LABEL_LENGTH = 64;

/** A rule with its counts. */
export class RuleCounter {
  readonly rule: JournalRule;
  readonly counters: CounterSet;
  readonly #least: number;
  readonly #groups: readonly string[];

  constructor(rule: JournalRule) {
    this.rule = rule;
    this.#groups = rule.pattern?.groupNames ?? [];
    const other = ([name = '', ...groups]: readonly string[]) => [name, ...groups.map(() => '__other__')];
    this.counters = new CounterSet(journalMatches, rule.maxSeries, other, ['rule', ...this.#groups]);
    this.#least = rule.priority === undefined ? Infinity : PRIORITIES.indexOf(rule.priority);
    // A counter without labels of its own exists from the start.
    if (this.#groups.length === 0) this.counters.add(0, rule.name);
  }

  /** Fields that it matches. */
  get fields(): readonly string[] {
    return Object.keys(this.rule.match);
  }

  /** Counts an entry that matches; `unit` is that of the entry. Throws PatternCostError. */
  count(entry: JournalRecord, unit: string | undefined): void {
    const { name, unit: wanted, match, pattern: expression } = this.rule;
    if (wanted !== undefined && unit !== wanted) return;
    if (this.#least !== Infinity) {
      const priority = entry.get('PRIORITY');
      if (priority === undefined || Number(priority) > this.#least) return;
    }
    for (const [field, value] of Object.entries(match)) if (entry.get(field) !== value) return;
    if (expression === undefined) {
      this.counters.add(1, name);
      return;
    }
    const groups = groupsOf(expression, entry.get('MESSAGE') ?? '', this.#groups);
    if (groups !== undefined) this.counters.add(1, name, ...groups);
  }
}

/** The text matched by the groups `names`, truncated to the label length; undefined if there is no match. */
export function groupsOf(expression: Pattern, text: string, names: readonly string[]): string[] | undefined {
  if (names.length === 0) return expression.test(text) ? [] : undefined;
  const groups = expression.groups(text);
  return groups && names.map((name) => (groups.get(name) ?? '').slice(0, MAX_LABEL_LENGTH));
}
