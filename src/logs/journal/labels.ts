import { containerOf } from '../../collectors/log/oom.ts';
import { systemdUnitLabel, systemdUnitOf } from '../../collectors/log/unit-name.ts';
import type { PodNames } from '../../pods/pod-names.ts';
import type { FieldsByName } from './filter.ts';

const NO_UNITS: ReadonlySet<string> = new Set();
/** Maximum size of the cache; above it, the cache is cleared. */
const MAX_KNOWN = 4096;
/** An unknown name is looked up again after this many entries. */
const RETRY_AFTER = 1000;

type Labels = Readonly<Record<string, string>>;

/** The labels of journal entries: those of the node, the systemd unit, and the pod of the entry. */
export class JournalLabels {
  readonly #common: Labels;
  readonly #names: PodNames | undefined;
  /** By systemd unit and control group: a key of both would be made for each entry. */
  readonly #known = new Map<string, Map<string, { readonly labels: Labels; uses: number }>>();
  #count = 0;

  constructor(common: Labels, names: PodNames | undefined) {
    this.#common = common;
    this.#names = names;
  }

  /** The labels of the entry with these fields; entries of one systemd unit and container share them. */
  of(entry: FieldsByName): Labels {
    const unit = systemdUnitOf(entry) ?? '';
    const cgroup = entry.get('CONTAINER_ID_FULL') ?? entry.get('_SYSTEMD_CGROUP') ?? '';
    const known = this.#known.get(unit)?.get(cgroup);
    if (known !== undefined && known.uses-- > 0) return known.labels;
    const { labels, isSure } = this.#make(unit, cgroup);
    if (known === undefined && this.#count++ >= MAX_KNOWN) {
      this.#known.clear();
      this.#count = 1;
    }
    let ofUnit = this.#known.get(unit);
    if (ofUnit === undefined) {
      ofUnit = new Map();
      this.#known.set(unit, ofUnit);
    }
    ofUnit.set(cgroup, { labels, uses: isSure ? Number.POSITIVE_INFINITY : RETRY_AFTER });
    return labels;
  }

  #make(unit: string, cgroup: string): { labels: Labels; isSure: boolean } {
    const own = unit === '' ? this.#common : { ...this.#common, unit: systemdUnitLabel(unit, NO_UNITS) };
    const { containerId, podUid } = containerOf(cgroup);
    if (containerId === '' && podUid === '') return { labels: own, isSure: true };
    const found = this.#names?.lookup(containerId, podUid);
    if (found === undefined) return { labels: own, isSure: this.#names === undefined };
    const { namespace, pod, container } = found;
    return { labels: { ...own, namespace, pod, ...(container !== '' && { container }) }, isSure: true };
  }
}
