import type { NetDevice } from '../../host/net-dev.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { escapeLabelValue } from '../../metrics/text/format.ts';
import type { Cgroup } from './discovery.ts';
import type { ContainerProcess } from './process-finder.ts';
import type { CgroupReading, Limits } from './reading.ts';
import type { Constant, FieldSeries } from './series.ts';

/** The labels that identify one cgroup's series. Empty values are left out. */
export interface RowLabels {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly image: string;
  readonly name: string;
}

/** The last reading of a cgroup. */
export interface LastReading {
  reading: CgroupReading;
  /** Undefined for all rows that do not represent a network. */
  interfaces: readonly NetDevice[] | undefined;
  /** The number of the sampler's cycle in which it was read. */
  cycle: number;
  /** Seconds since 1970. */
  at: number;
}

/** Where a cgroup comes from; undefined values are unknown. */
export interface CgroupOrigin {
  /** The inode of its folder, which a later cgroup of that name does not have. */
  readonly inode: number | undefined;
  /** Creation time: seconds since 1970 with fraction. */
  readonly started: number | undefined;
}

/** The state of a cgroup between cycles. */
export class CgroupRow {
  readonly cgroup: Cgroup;
  /** Rows are numbered in order of creation, to spread periodic work. */
  readonly serial: number;
  /** The row of its parent cgroup. */
  readonly above: CgroupRow | undefined;
  /** The same for a container in a pod. */
  readonly pod: CgroupRow | undefined;
  readonly origin: CgroupOrigin;
  limits: Limits | undefined;
  seen: LastReading | undefined;
  /** The number of the sampler's cycle in which it was last found. */
  found = 0;
  /** The reading before that of {@link seen}. */
  spent: CgroupReading | undefined;
  /** Of a pod: the rows of its containers, by id. */
  readonly #containers = new Map<string, CgroupRow>();
  /** Whether this is the container that holds the pod's network, called sandbox, infra or pause container. */
  isSandbox: boolean;
  /** Whether its labels are final. */
  isNamed: boolean;
  /** Number of cycles without a name. */
  waited = 0;
  /** First process, as it was last seen. */
  pid: string | undefined;
  /** For a container that represents its pod's network: the process through which it is read. */
  network: ContainerProcess | undefined;
  /** Consecutive cycles in which that network could not be read. */
  unread = 0;
  /** Its labels as text with the opening brace. */
  #labels = '{';

  /** Registers the container with its pod. */
  constructor(cgroup: Cgroup, serial: number, above: CgroupRow | undefined, origin: CgroupOrigin) {
    const pod = above?.cgroup.kind === 'pod' ? above : undefined;
    this.cgroup = cgroup;
    this.serial = serial;
    this.above = above;
    this.pod = pod;
    this.origin = origin;
    this.isSandbox = false;
    this.isNamed = false;
    if (pod) pod.#containers.set(cgroup.id, this);
  }

  /** Of a pod: the rows of its containers. */
  get containers(): CgroupRow[] {
    return [...this.#containers.values()];
  }

  /** The sandbox of a pod, once it is known. */
  get sandbox(): CgroupRow | undefined {
    for (const row of this.#containers.values()) if (row.isSandbox) return row;
    return undefined;
  }

  /** Records a reading in the object of the last one: what lives for a cycle is collected late. */
  see(reading: CgroupReading, interfaces: LastReading['interfaces'], cycle: number, at: number): LastReading {
    this.spent = this.seen?.reading;
    this.seen ??= { reading, interfaces, cycle, at };
    this.seen.reading = reading;
    this.seen.interfaces = interfaces;
    this.seen.cycle = cycle;
    this.seen.at = at;
    return this.seen;
  }

  /** To be called when the cgroup has ended. */
  leave(): void {
    if (this.pod) this.pod.#containers.delete(this.cgroup.id);
  }

  /** Assigns the row its labels. */
  label({ namespace, pod, container, image, name }: RowLabels): void {
    const labels = Object.entries({ namespace, pod, container, id: this.cgroup.id, image, name })
      .filter(([, value]) => value !== '')
      .map(([label, value]) => `${label}="${escapeLabelValue(value)}"`)
      .join(',');
    // Keeps the old text object, which the series of the last cycle use.
    if (`{${labels}` !== this.#labels) this.#labels = `{${labels}`;
  }

  /** Adds the known fields of `values`. */
  add<Of>(out: Snapshot, series: readonly FieldSeries<Of>[], values: Of): void {
    // By index, here and below: the results of an iterator would be a tenth of a cycle's garbage.
    for (let index = 0; index < series.length; index++) {
      const { family, field, tail } = series[index] as FieldSeries<Of>;
      const value = values[field] as number | undefined;
      if (value !== undefined) out.addParts(family, family.name, this.#labels, tail, value);
    }
  }

  /** Like {@link add}, for one of several objects of a cgroup, identified by `subject`, a label as text. */
  addSubject<Of>(out: Snapshot, subject: string, series: readonly FieldSeries<Of>[], values: Of): void {
    const tails = tailsOf(series, subject);
    for (let index = 0; index < series.length; index++) {
      const { family, field } = series[index] as FieldSeries<Of>;
      const value = values[field] as number | undefined;
      if (value !== undefined) out.addParts(family, family.name, this.#labels, tails[index] as string, value);
    }
  }

  /** Adds one sample, whose further labels may begin with `subject`. */
  addOne(out: Snapshot, { family, tail, value }: Constant, subject = ''): void {
    out.addParts(family, family.name, this.#labels, subject + tail, value);
  }
}

/** By list of series and subject: the tails of the series after the subject. */
const joinedTails = new WeakMap<object, Map<string, readonly string[]>>();
/** Pods share the names of their interfaces, and a host has few disks. */
const MAX_SUBJECTS = 500;

/** Joined once: a snapshot compares each part with that of the cycle before, and identical strings compare fast. */
function tailsOf<Of>(series: readonly FieldSeries<Of>[], subject: string): readonly string[] {
  const bySubject = joinedTails.get(series) ?? new Map<string, readonly string[]>();
  const known = bySubject.get(subject);
  if (known !== undefined) return known;
  if (bySubject.size >= MAX_SUBJECTS) bySubject.clear();
  const tails = series.map(({ tail }) => subject + tail);
  joinedTails.set(series, bySubject.set(subject, tails));
  return tails;
}
