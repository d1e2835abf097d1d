import type { Snapshot } from '../../metrics/snapshot.ts';
import { escapeLabelValue } from '../../metrics/text.ts';
import type { Cgroup } from './discovery.ts';
import type { InterfaceCounters } from './network.ts';
import type { Limits, Reading } from './reading.ts';
import type { Series } from './series.ts';

/** What tells one cgroup's series from those of others. Empty texts are left out. */
export interface RowLabels {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly image: string;
  readonly name: string;
}

/** What was last read of a cgroup. */
export interface Seen {
  readonly reading: Reading;
  /** Undefined for all but those that tell of a network. */
  readonly interfaces: readonly InterfaceCounters[] | undefined;
  /** In which of its cycles the sampler read it. */
  readonly cycle: number;
  /** Seconds since 1970. */
  readonly at: number;
}

/** How many interfaces or devices beyond those of now may have kept keys: on some hosts they come and go with pods. */
const SPARE_SUBJECTS = 32;

/** What is kept of a cgroup between cycles: its labels as ready-made text, and its series' keys. */
export class Row {
  readonly cgroup: Cgroup;
  /** Rows are numbered as they come, to spread what is done now and then. */
  readonly serial: number;
  /** The row of the cgroup in which it is. */
  readonly above: Row | undefined;
  /** The same for a container in a pod. */
  readonly pod: Row | undefined;
  /** When it was made: seconds since 1970 with fraction; undefined when that can't be told. */
  readonly started: number | undefined;
  limits: Limits | undefined;
  seen: Seen | undefined;
  /** Of a pod: the rows of its containers, by id. */
  readonly #containers = new Map<string, Row>();
  /** Whether this is the container that holds the pod's network, called sandbox, infra or pause container. */
  isSandbox: boolean;
  /** Whether its labels are final. */
  isNamed: boolean;
  /** Cycles in which it was not named. */
  waited = 0;
  /** First process, as it was last seen. */
  pid: string | undefined;
  #labels: string | undefined;
  #keys = new Map<object, string>();
  readonly #subjects = new Map<string, Map<object, string>>();

  /** A pod learns of what is in it. */
  constructor(cgroup: Cgroup, serial: number, above: Row | undefined, started: number | undefined) {
    const pod = above?.cgroup.kind === 'pod' ? above : undefined;
    this.cgroup = cgroup;
    this.serial = serial;
    this.above = above;
    this.pod = pod;
    this.started = started;
    this.isSandbox = false;
    this.isNamed = false;
    if (pod) pod.#containers.set(cgroup.id, this);
  }

  /** Of a pod: the rows of its containers. */
  get containers(): Row[] {
    return [...this.#containers.values()];
  }

  /** The sandbox of a pod, once it is known. */
  get sandbox(): Row | undefined {
    for (const row of this.#containers.values()) if (row.isSandbox) return row;
    return undefined;
  }

  /** To be called when the cgroup has ended. */
  leave(): void {
    if (this.pod) this.pod.#containers.delete(this.cgroup.id);
  }

  /** Gives the row its labels. */
  label({ namespace, pod, container, image, name }: RowLabels): void {
    const labels = Object.entries({ namespace, pod, container, id: this.cgroup.id, image, name })
      .filter(([, value]) => value !== '')
      .map(([label, value]) => `${label}="${escapeLabelValue(value)}"`)
      .join(',');
    if (labels === this.#labels) return;
    this.#labels = labels;
    this.#keys = new Map();
    this.#subjects.clear();
  }

  /** Adds the fields of `values` that are known. */
  add<Of>(out: Snapshot, series: readonly Series<Of>[], values: Of): void {
    this.#add(out, this.#keys, '', series, values);
  }

  /** Like {@link add}, for one of several things of a cgroup, which `subject`, a label as text, tells apart. */
  addSubject<Of>(out: Snapshot, subject: string, series: readonly Series<Of>[], values: Of): void {
    this.#add(out, this.#keysOf(subject), subject, series, values);
  }

  /** Adds one sample with further labels, given as text. */
  addOne(out: Snapshot, { family, labels, value }: { family: Series<never>['family']; labels: string; value: number }) {
    out.addSeries(family, `${family.name}{${this.#labels}${labels}}`, value);
  }

  /** Forgets kept keys when there are far more than `current` subjects. */
  trim(current: number): void {
    if (this.#subjects.size > current + SPARE_SUBJECTS) this.#subjects.clear();
  }

  #add<Of>(out: Snapshot, keys: Map<object, string>, subject: string, series: readonly Series<Of>[], values: Of): void {
    for (const one of series) {
      const value = values[one.field] as number | undefined;
      if (value === undefined) continue;
      let key = keys.get(one);
      if (key === undefined) {
        key = `${one.family.name}{${this.#labels}${subject}${one.labels}}`;
        keys.set(one, key);
      }
      out.addSeries(one.family, key, value);
    }
  }

  #keysOf(subject: string): Map<object, string> {
    const known = this.#subjects.get(subject);
    if (known) return known;
    const keys = new Map<object, string>();
    this.#subjects.set(subject, keys);
    return keys;
  }
}
