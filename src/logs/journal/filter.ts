import { PRIORITIES } from '../../base/syslog.ts';
import { systemdUnitOf } from '../../collectors/log/unit-name.ts';
import type { LogsSection } from '../../config/logs-section.ts';
import { priorityOf } from './journal-entry.ts';

/** Returns the fields of an entry by name. */
export interface FieldsByName {
  get(name: string): string | undefined;
}

/** Whether an entry passes the filters of `logs.journal`; undefined if all do. `without`: an excluded transport. */
export function journalFilter(
  options: Pick<LogsSection['journal'], 'units' | 'identifiers' | 'priority' | 'matches'>,
  without?: string,
): ((entry: FieldsByName) => boolean) | undefined {
  const { units, identifiers, matches } = options;
  const tests: ((entry: FieldsByName) => boolean)[] = [];
  const least = PRIORITIES.indexOf(options.priority);
  // An entry without a priority counts as info, as in journalctl.
  if (least < PRIORITIES.length - 1) tests.push((entry) => (priorityOf(entry.get('PRIORITY')) ?? INFO) <= least);
  const wantedUnits = new Set(units);
  if (units.length > 0) tests.push((entry) => wantedUnits.has(systemdUnitOf(entry) ?? ''));
  const wantedIdentifiers = new Set(identifiers);
  if (identifiers.length > 0) tests.push((entry) => wantedIdentifiers.has(entry.get('SYSLOG_IDENTIFIER') ?? ''));
  const wanted = matches.map((match) => Object.entries(match));
  if (wanted.length > 0) {
    tests.push((entry) => wanted.some((match) => match.every(([name, value]) => entry.get(name) === value)));
  }
  if (without !== undefined) tests.push((entry) => entry.get('_TRANSPORT') !== without);
  if (tests.length === 0) return undefined;
  return (entry) => tests.every((test) => test(entry));
}

const INFO = PRIORITIES.indexOf('info');
