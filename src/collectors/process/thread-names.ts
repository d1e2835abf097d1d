import { type Family, OTHER } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { COUNTER, type Counters, Totals } from './counters.ts';
import { F } from './families.ts';

/** Maximum number of thread names per group; some programs number theirs without bound. */
const MAX_NAMES = 100;

/** Families of a thread name with further labels, and how the value is derived from the totals. */
const SERIES: readonly (readonly [Family, Readonly<Record<string, string>>, keyof typeof COUNTER])[] = [
  [F.threadCpu, { mode: 'user' }, 'userTicks'],
  [F.threadCpu, { mode: 'system' }, 'systemTicks'],
  [F.threadIo, { iomode: 'read' }, 'readBytes'],
  [F.threadIo, { iomode: 'write' }, 'writeBytes'],
  [F.threadMajorFaults, {}, 'majorFaults'],
  [F.threadMinorFaults, {}, 'minorFaults'],
  [F.threadSwitches, { ctxswitchtype: 'voluntary' }, 'voluntarySwitches'],
  [F.threadSwitches, { ctxswitchtype: 'nonvoluntary' }, 'nonvoluntarySwitches'],
];

type KeyOf = (family: Family, labels: Readonly<Record<string, string>>) => string;

interface NamedThreads {
  count: number;
  readonly totals: Totals;
  readonly countKey: string;
  readonly keys: readonly string[];
}

/** The threads of a group by name. As in process-exporter a name that is absent in a cycle starts again at 0. */
export class ThreadNames {
  readonly #keyOf: KeyOf;
  readonly #names = new Map<string, NamedThreads>();

  /** `keyOf` creates the series keys of the group. */
  constructor(keyOf: KeyOf) {
    this.#keyOf = keyOf;
  }

  /** Resets the thread counts, not the counters. */
  reset(): void {
    for (const named of this.#names.values()) named.count = 0;
  }

  /** Adds a thread, and its growth since it was last added. */
  add(name: string, counters: Counters): void {
    const known = this.#names.get(name) ?? (this.#names.size < MAX_NAMES ? undefined : this.#names.get(OTHER));
    const named = known ?? this.#create(this.#names.size < MAX_NAMES ? name : OTHER);
    named.count++;
    named.totals.add(counters);
  }

  #create(threadname: string): NamedThreads {
    const named = {
      count: 0,
      totals: new Totals(),
      countKey: this.#keyOf(F.threadCount, { threadname }),
      keys: SERIES.map(([family, labels]) => this.#keyOf(family, { threadname, ...labels })),
    };
    this.#names.set(threadname, named);
    return named;
  }

  /** Adds the series of all names that have threads now, and drops the others. */
  addTo(out: Snapshot, ticksPerSecond: number): void {
    for (const [name, { count, totals, countKey, keys }] of this.#names) {
      if (count === 0) {
        this.#names.delete(name);
        continue;
      }
      out.addSeries(F.threadCount, countKey, count);
      for (const [index, [family, , counter]] of SERIES.entries()) {
        const value = totals.get(COUNTER[counter]) / (family === F.threadCpu ? ticksPerSecond : 1);
        if (!Number.isNaN(value)) out.addSeries(family, keys[index] as string, value);
      }
    }
  }
}
