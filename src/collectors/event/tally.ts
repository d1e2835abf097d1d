import type { Occurrence } from './occurrence.ts';

/** Up to where the leader has pushed: the version of the newest event that it had counted, and when that happened. */
export interface Position {
  readonly version: number;
  readonly seconds: number;
}

/** One series. */
export interface EventCount {
  readonly type: string;
  readonly namespace: string;
  readonly kind: string;
  readonly reason: string;
  readonly component: string;
  count: number;
  lastSeconds: number | undefined;
}

/** What became of an event. */
export type EventResult = 'counted' | 'remembered' | 'old' | 'filtered' | 'overflow';

/** Occurrences that the next leader may have to count. */
interface Recent {
  readonly occurrence: Occurrence;
  readonly version: number;
  readonly by: number;
  /** Seconds since 1970 of the creation of an event of the first list: how often it had happened before is not known. */
  readonly createdSeconds?: number | undefined;
}

export interface TallyOptions {
  readonly maxSeries: number;
  readonly withComponent: boolean;
  readonly wants: (occurrence: Occurrence) => boolean;
}

const OTHER = '__other__';
/** More than the lifetime of a Lease brings in a storm of events. */
const MOST_RECENT = 50_000;

/**
 * Counts occurrences of events. A repeat is the same event with a higher count, so of each event that lives its count is
 * remembered. The leader begins at 0: two replicas never have equal counts, and what a new leader would have counted
 * more or less than the old one would look like a reset. What the old leader had not pushed is known by the versions of
 * the events, which are the same for all replicas and have nothing to do with clocks.
 */
export class EventTally {
  readonly #options: TallyOptions;
  readonly #seen = new Map<string, { readonly uid: string; readonly count: number }>();
  #recent: Recent[] = [];
  readonly #series = new Map<string, EventCount>();
  #isCounting: boolean = false;
  #isListed: boolean = false;
  /** Where the leader before this one had got to. */
  #from: Position | undefined;
  #position: Position = { version: 0, seconds: 0 };

  constructor(options: TallyOptions) {
    this.#options = options;
  }

  /** The series; none unless this is the leader. */
  get series(): Iterable<EventCount> {
    return this.#series.values();
  }

  /** Events that are remembered. */
  get remembered(): number {
    return this.#seen.size;
  }

  /** The newest event so far. */
  get position(): Position {
    return this.#position;
  }

  /** The first list is complete: what comes from now on is new. */
  listed(): void {
    this.#isListed = true;
  }

  /** An event that is new or has changed. */
  upsert(
    key: string,
    { uid, version, createdSeconds }: { uid: string; version: number; createdSeconds: number | undefined },
    occurrence: Occurrence,
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
    const recent = { occurrence, version, by, ...(isOfFirstList && { createdSeconds: createdSeconds ?? 0 }) };
    if (this.#recent.length < MOST_RECENT) this.#recent.push(recent);
    if (!this.#isCounting) return 'remembered';
    const countable = countableOf(recent, this.#from);
    if (countable === 0) return 'old';
    return this.#add(occurrence, countable) ? 'counted' : 'overflow';
  }

  /** An event is gone: it has lived for its time. */
  remove(key: string): void {
    this.#seen.delete(key);
  }

  /** The leader has pushed everything up to here. */
  pushed({ version }: Position): void {
    this.#recent = this.#recent.filter((one) => one.version > version);
  }

  /** This is the leader from now on; `from` is where the one before had got to, undefined when that is not known. */
  begin(from: Position | undefined): void {
    this.#series.clear();
    this.#isCounting = true;
    this.#from = from;
    for (const recent of this.#recent) {
      const countable = countableOf(recent, from);
      if (countable > 0) this.#add(recent.occurrence, countable);
    }
  }

  /** This is the leader no more. */
  end(): void {
    this.#isCounting = false;
    this.#series.clear();
  }

  /** False when there are too many series for one of its own. */
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
      // Room is left for those that stand for all others.
      const room =
        index === 0 ? maxSeries - Math.ceil(maxSeries / 10) : index === 1 ? maxSeries - 4 : Number.POSITIVE_INFINITY;
      if (!found && this.#series.size >= room) continue;
      found ??= { ...labels, count: 0, lastSeconds: undefined };
      this.#series.set(key, found);
      found.count += by;
      if (occurrence.lastSeconds !== undefined) {
        found.lastSeconds = Math.max(found.lastSeconds ?? 0, occurrence.lastSeconds);
      }
      return index === 0;
    }
    return false;
  }
}

/** How much of it a leader counts that goes on from there. */
function countableOf({ version, by, createdSeconds }: Recent, from: Position | undefined): number {
  // Nobody has counted before: what is older than this process is not counted by it either.
  if (from === undefined) return createdSeconds === undefined ? by : 0;
  if (version <= from.version) return 0;
  // Of one that lived before, at least its last occurrence is new.
  return createdSeconds === undefined || createdSeconds >= from.seconds ? by : 1;
}
