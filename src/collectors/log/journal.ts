// Entries of systemd's journal, counted. Read natively (host/journal), because journalctl would have to be as recent as
// the host's journald.
import { OTHER } from '../../metrics/family.ts';
import type { Collect } from '../collector.ts';
import { type Count, CounterSet } from './counter-set.ts';
import { journalBytes, journalLag, journalLost, journalMessages, unitEvents } from './families.ts';
import type { JournalFeed, JournalRecord } from './journal-feed.ts';
import { priorityName, RuleCounter } from './journal-rules.ts';
import type { JournalOptions } from './options.ts';
import { Remembered } from './remembered.ts';
import type { LogState } from './state.ts';
import { systemdUnitLabel, systemdUnitOf } from './unit-name.ts';

/** Message ids of systemd, from its catalog. */
const UNIT_EVENTS: Readonly<Record<string, string>> = {
  '39f53479d3a045ac8e11786248231fbf': 'started',
  '9d1aaa27d60140bd96365438aad20286': 'stopped',
  d9b373ed55a64feb8242e02dbe79a49c: 'failed',
  fe6faa94e7774663a0da52717891d8ef: 'oom',
};

const FIELDS = [
  ...['MESSAGE', 'MESSAGE_ID', 'PRIORITY', '_TRANSPORT', 'SYSLOG_IDENTIFIER'],
  ...['_SYSTEMD_UNIT', 'UNIT', '_PID', 'COREDUMP_UNIT', 'OBJECT_SYSTEMD_UNIT', '_UID'],
];

/** Maximum number of cached unit labels, to avoid evaluating the expressions. */
const MAX_LABELS = 4096;
/** Maximum number of cached series of one unit; it has entries of a few priorities and transports. */
const MAX_CACHED = 64;

/** The series of one unit's entries, so that no joined key has to be looked up. */
interface UnitCounts {
  readonly bytes: Count;
  /** By priority, then transport, of the entry. */
  readonly messages: Map<string | undefined, Map<string | undefined, Count>>;
}

/** The collector `journal`; registers with `feed`. */
export function collectJournal(options: JournalOptions, feed: JournalFeed, state: LogState): Collect {
  const { maxUnits, rules } = options;
  const exact = new Set(options.units);
  // A unit has entries of several priorities and transports.
  const perUnit = 16;
  const byUnit = new CounterSet(journalMessages, maxUnits * perUnit, ([, ...rest]) => [OTHER, ...rest]);
  const bytesByUnit = new CounterSet(journalBytes, maxUnits);
  const events = new CounterSet(unitEvents, maxUnits * Object.keys(UNIT_EVENTS).length, ([, event = '']) => [
    OTHER,
    event,
  ]);
  const counters = rules.map((rule) => new RuleCounter(rule));
  const labels = new Map<string, string>();
  const counts = new Map<string, UnitCounts>();
  const units = new Set<string>();
  let problem: unknown;

  const labelOf = (name: string): string => {
    const known = labels.get(name);
    if (known !== undefined) return known;
    const label = systemdUnitLabel(name, exact);
    const kept = units.has(label) || units.size < maxUnits ? label : OTHER;
    units.add(kept);
    if (labels.size >= MAX_LABELS) labels.clear();
    labels.set(name, kept);
    return kept;
  };

  const countsOf = (name: string): UnitCounts => {
    const known = counts.get(name);
    if (known !== undefined) return known;
    if (counts.size >= MAX_LABELS) counts.clear();
    const made = { bytes: bytesByUnit.of([labelOf(name)]), messages: new Map() };
    counts.set(name, made);
    return made;
  };

  const messagesOf = (name: string, { messages }: UnitCounts, entry: JournalRecord): Count => {
    const priority = entry.get('PRIORITY');
    const transport = entry.get('_TRANSPORT');
    const known = messages.get(priority)?.get(transport);
    if (known !== undefined) return known;
    const made = byUnit.of([labelOf(name), priorityName(priority), transport ?? '']);
    const ofPriority = messages.get(priority) ?? new Map<string | undefined, Count>();
    if (messages.size < MAX_CACHED && ofPriority.size < MAX_CACHED)
      messages.set(priority, ofPriority.set(transport, made));
    return made;
  };

  const consume = (entry: JournalRecord): void => {
    const unit = systemdUnitOf(entry);
    const name = unit ?? entry.get('SYSLOG_IDENTIFIER') ?? '';
    const known = countsOf(name);
    messagesOf(name, known, entry).value++;
    known.bytes.value += entry.bytes('MESSAGE');
    const event = UNIT_EVENTS[entry.get('MESSAGE_ID') ?? ''];
    if (event !== undefined) events.add(1, labelOf(entry.get('UNIT') ?? unit ?? ''), event);
    for (const rule of counters) {
      try {
        rule.count(entry, unit);
      } catch (cause) {
        problem = cause;
      }
    }
  };

  const remembered = new Remembered(
    state,
    'journal counts',
    {
      messages: byUnit,
      bytes: bytesByUnit,
      events,
      ...Object.fromEntries(counters.map(({ rule, counters: set }) => [`rule ${rule.name}`, set])),
    },
    {
      dump: () => [...units],
      restore: (saved) => {
        if (Array.isArray(saved)) for (const unit of saved.slice(0, maxUnits)) units.add(String(unit));
        return [];
      },
    },
  );
  const fields = [...FIELDS, ...counters.flatMap((rule) => rule.fields)];
  feed.subscribe(fields, { prepare: () => remembered.prepare(), consume });

  return async (out, signal) => {
    await feed.pump(signal);
    for (const one of feed.problems) out.lose('journal', one);
    if (problem !== undefined) out.lose('rules', problem);
    problem = undefined;
    await remembered.emit(out);
    for (const [reason, count] of Object.entries(feed.lost)) out.add(journalLost, count, reason);
    out.add(journalLag, Math.round(feed.lagSeconds));
  };
}
