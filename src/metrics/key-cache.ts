import { isLabelName } from './family.ts';
import { labelBlock } from './text/format.ts';

/** Labels of one prom-client value. */
type Labels = Readonly<Partial<Record<string, string | number>>>;

interface Known {
  readonly name: string;
  readonly labels: Labels;
  readonly key: string;
}

/**
 * The series keys of prom-client's values, by their position in their metric. They rarely change from one cycle to the
 * next, and comparing labels is much cheaper than formatting them.
 */
export class KeyCache {
  readonly #known = new Map<string, Known[]>();

  /** `name{labels}` of the value at `index` of `metric`. */
  keyOf(metric: string, index: number, name: string, labels: Labels): string {
    let own = this.#known.get(metric);
    if (own === undefined) {
      own = [];
      this.#known.set(metric, own);
    }
    const known = own[index];
    if (known !== undefined && known.name === name && areEqual(known.labels, labels)) return known.key;
    const names = Object.keys(labels).filter((label) => label === 'le' || isLabelName(label));
    const key =
      name +
      labelBlock(
        names,
        names.map((label) => String(labels[label])),
      );
    own[index] = { name, labels: { ...labels }, key };
    return key;
  }

  /** Drops entries from `size` on, for a metric with that many values. */
  trim(metric: string, size: number): void {
    const own = this.#known.get(metric);
    if (own !== undefined && own.length > size) own.length = size;
  }
}

/** Whether two objects have the same labels. */
function areEqual(ones: Labels, others: Labels): boolean {
  let count = 0;
  for (const label in ones) {
    if (ones[label] !== others[label]) return false;
    count++;
  }
  for (const _ in others) count--;
  return count === 0;
}
