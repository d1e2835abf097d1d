import { type Family, family, isMetricName, type MetricType } from '../../metrics/family.ts';

/** More than any host has; beyond it, names from files are not cached. */
const MAX_FAMILIES = 10_000;

/** Families whose names are only known from files, each declared once and cached between cycles. */
export class FamilyCache {
  readonly #type: MetricType;
  readonly #labels: readonly string[];
  readonly #families = new Map<string, Family>();

  constructor(type: MetricType, labels: readonly string[] = []) {
    this.#type = type;
    this.#labels = labels;
  }

  /** The family of that name; `help` counts at its first use. Throws when no metric can have that name. */
  get(name: string, help: string): Family {
    const known = this.#families.get(name);
    if (known) return known;
    if (!isMetricName(name)) throw new Error(`invalid metric name: ${JSON.stringify(name)}`);
    const declared = family(this.#type, name, help, this.#labels);
    if (this.#families.size < MAX_FAMILIES) this.#families.set(name, declared);
    return declared;
  }
}
