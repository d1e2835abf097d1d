import type { EventObject } from '../../kube/event.ts';
import type { Occurrence } from './occurrence.ts';

/** How far the leader has pushed: the version of the newest event that it had counted, and its time. */
export interface EventPosition {
  readonly version: number;
  readonly seconds: number;
}

/** One series: the number of its occurrences, and the time of the last. */
export type EventCount = Occurrence;

/** A series with the occurrences since the counters last advanced. */
interface GrowingCount extends EventCount {
  count: number;
  lastSeconds: number | undefined;
  newCount: number;
  newSeconds: number | undefined;
}

/** The result of processing an event. */
export type EventResult = 'counted' | 'remembered' | 'old' | 'filtered' | 'overflow';

/** Occurrences that the next leader may have to count. */
interface Recent {
  readonly occurrence: Occurrence;
  readonly version: number;
  readonly by: number;
  readonly event: EventObject | undefined;
  /** Creation time, in seconds since 1970, of an event of the first list: its earlier count is unknown. */
  readonly createdSeconds?: number | undefined;
}

interface TallyOptions {
  readonly maxSeries: number;
  readonly withComponent: boolean;
  /** Whether another agent may be leader before or after this one. Then recent occurrences are stored for the handover. */
  readonly handsOver: boolean;
  readonly wants: (occurrence: Occurrence) => boolean;
  /** Receives each counted event, and its occurrences since it was last counted; events are stored for it. */
  readonly onCounted?: ((event: EventObject, by: number) => void) | undefined;
}

const OTHER = '__other__';
/** More than an event storm produces during the duration of a Lease. */
const MAX_RECENT = 50_000;

/**
 * Counts occurrences of events. A repeat is the same event with a higher count, so the count of each existing event is
 * stored. The leader starts at 0: two replicas never have equal counts, and any difference between the counts of a new
 * and an old leader would look like a counter reset. The versions of the events show what the old leader had not
 * pushed; they are the same for all replicas and independent of clocks.
 */
export class EventTally {
  readonly #options: TallyOptions;
  readonly #seen = new Map<string, { readonly uid: string; readonly count: number }>();
  #recent: Recent[] = [];
  readonly #series = new Map<string, GrowingCount>();
  #isCounting: boolean = false;
  #isListed: boolean = false;
  /** The position that the previous leader had reached. */
  #from: EventPosition | undefined;
  #position: EventPosition = { version: 0, seconds: 0 };

  constructor(options: TallyOptions) {
    this.#options = options;
  }

  /** The series as of the last advance of the counters; none unless this is the leader. */
  get series(): readonly EventCount[] {
    return [...this.#series.values()].filter(({ count }) => count > 0);
  }

  /** Whether there is no series. */
  get isEmpty(): boolean {
    for (const { count } of this.#series.values()) if (count > 0) return false;
    return true;
  }

  /** Adds the occurrences since the last call to the series. Returns their new position. */
  advance(): EventPosition {
    for (const one of this.#series.values()) {
      if (one.newCount === 0) continue;
      one.count += one.newCount;
      one.newCount = 0;
      if (one.newSeconds !== undefined) one.lastSeconds = Math.max(one.lastSeconds ?? 0, one.newSeconds);
    }
    return this.#position;
  }

  /** Number of stored events. */
  get remembered(): number {
    return this.#seen.size;
  }

  /** The first list is complete: later events are new. */
  listed(): void {
    this.#isListed = true;
  }

  /** An event that is new or has changed. */
  upsert(
    key: string,
    { uid, version, createdSeconds }: { uid: string; version: number; createdSeconds: number | undefined },
    occurrence: Occurrence,
    whole?: EventObject,
  ): EventResult {
    const before = this.#seen.get(key);
    this.#seen.set(key, { uid, count: occurrence.count });
    if (version > this.#position.version) {
      const seconds = Math.max(this.#position.seconds, occurrence.lastSeconds ?? 0);
      this.#position = { version, seconds };
    }
    if (!this.#options.wants(occurrence)) return 'filtered';
    const by = occurrence.count - (before?.uid === uid ? before.count : 0);
    if (by <= 0) return 'old';
    const isOfFirstList = !this.#isListed && before === undefined;
    const event = this.#options.onCounted && whole;
    const recent = { occurrence, version, by, event, ...(isOfFirstList && { createdSeconds: createdSeconds ?? 0 }) };
    if (this.#options.handsOver && this.#recent.length < MAX_RECENT) this.#recent.push(recent);
    if (!this.#isCounting) return 'remembered';
    const countable = countableOf(recent, this.#from);
    if (countable === 0) return 'old';
    return this.#count(recent, countable) ? 'counted' : 'overflow';
  }

  /** An event was removed: it has expired. */
  remove(key: string): void {
    this.#seen.delete(key);
  }

  /** The leader has pushed everything up to this position. */
  pushed({ version }: EventPosition): void {
    this.#recent = this.#recent.filter((one) => one.version > version);
  }

  /**
   * This agent has become leader; `from` is the position that the previous leader had reached, undefined when unknown.
   */
  begin(from: EventPosition | undefined): void {
    this.#series.clear();
    this.#isCounting = true;
    this.#from = from;
    for (const recent of this.#recent) {
      const countable = countableOf(recent, from);
      if (countable > 0) this.#count(recent, countable);
    }
  }

  /** This agent is no longer leader. */
  end(): void {
    this.#isCounting = false;
    this.#series.clear();
  }

  #count({ occurrence, event }: Recent, by: number): boolean {
    if (event !== undefined) this.#options.onCounted?.(event, by);
    return this.#add(occurrence, by);
  }

  /** False if the limit leaves no room for its own series. */
  #add(occurrence: Occurrence, by: number): boolean {
    const { maxSeries, withComponent } = this.#options;
    const { type, namespace, kind, reason } = occurrence;
    const component = withComponent ? occurrence.component : '';
    const own = { type, namespace, kind, reason, component };
    const tries = [
      own,
      { ...own, reason: OTHER },
      { type, namespace: OTHER, kind: OTHER, reason: OTHER, component: '' },
    ];
    for (const [index, labels] of tries.entries()) {
      const key = JSON.stringify(labels);
      let found = this.#series.get(key);
      // Space is reserved for the series that aggregate all others.
      const room =
        index === 0 ? maxSeries - Math.ceil(maxSeries / 10) : index === 1 ? maxSeries - 4 : Number.POSITIVE_INFINITY;
      if (!found && this.#series.size >= room) continue;
      found ??= { ...labels, count: 0, lastSeconds: undefined, newCount: 0, newSeconds: undefined };
      this.#series.set(key, found);
      found.newCount += by;
      if (occurrence.lastSeconds !== undefined) {
        found.newSeconds = Math.max(found.newSeconds ?? 0, occurrence.lastSeconds);
      }
      return index === 0;
    }
    return false;
  }
}

/** The number of occurrences counted by a leader that continues from this position. */
function countableOf({ version, by, createdSeconds }: Recent, from: EventPosition | undefined): number {
  // No leader has counted before: this process does not count anything older than itself either.
  if (from === undefined) return createdSeconds === undefined ? by : 0;
  if (version <= from.version) return 0;
  // Of an event that already existed before, at least the last occurrence is new.
  return createdSeconds === undefined || createdSeconds >= from.seconds ? by : 1;
}
