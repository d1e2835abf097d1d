import { Snapshot } from '../metrics/snapshot.ts';
import { labelBlock } from '../metrics/text/format.ts';

/** Adds labels to all series of snapshots. The keys are created only once as long as the series stay the same. */
export class Labelled {
  readonly #block: string;
  #from: unknown;
  #last: Snapshot | undefined;

  constructor(labels: Readonly<Record<string, string>>) {
    const names = Object.keys(labels);
    this.#block = names.length === 0 ? '' : labelBlock(names, Object.values(labels)).slice(1, -1);
  }

  /** `snapshot`, which is closed, with the labels. */
  of(snapshot: Snapshot): Snapshot {
    if (this.#block === '') return snapshot;
    const { series } = snapshot;
    const out = new Snapshot(this.#last);
    if (this.#from === series && this.#last !== undefined) {
      const known = this.#last.series;
      for (const [index, value] of snapshot.values.entries()) {
        const owner = known.owners[index];
        if (owner)
          out.addParts(owner, known.heads[index] ?? '', known.middles[index] ?? '', known.tails[index] ?? '', value);
      }
    } else {
      for (const [index, owner] of series.owners.entries()) {
        out.addSeries(owner, withBlock(series.key(index), this.#block), snapshot.values[index] ?? Number.NaN);
      }
    }
    out.errors.push(...snapshot.errors);
    out.takeStamps(snapshot);
    out.close();
    this.#from = series;
    this.#last = out;
    return out;
  }
}

/** A key with further labels. */
const withBlock = (key: string, block: string): string =>
  key.endsWith('}') ? `${key.slice(0, -1)}${key.endsWith('{}') ? '' : ','}${block}}` : `${key}{${block}}`;
