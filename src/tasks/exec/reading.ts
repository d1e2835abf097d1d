import { familyNameOf, isLabelName, isMetricName, type MetricType } from '../../metrics/family.ts';
import { seriesId } from '../../metrics/text/format.ts';

/** Labels of a sample, in the order of its line. */
type Labels = readonly (readonly [name: string, value: string])[];

/** One sample of a program's output. */
interface ReadSample {
  /** With the suffix of a histogram's or summary's part. */
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
  /** Milliseconds since 1970, an integer; undefined for now. */
  readonly stampMs?: number | undefined;
}

/** A family of a program's output. */
interface ReadFamily {
  readonly name: string;
  type: MetricType;
  help: string;
  readonly samples: ReadSample[];
}

/** The parsed content of a text, and one line per problem. */
export class ParsedText {
  readonly families = new Map<string, ReadFamily>();
  readonly lost: string[] = [];
  readonly #seen = new Set<string>();
  lostCount = 0;

  family(name: string): ReadFamily {
    const known = this.families.get(name) ?? { name, type: 'untyped', help: '', samples: [] };
    this.families.set(name, known);
    return known;
  }

  /** Adds a sample to its family: that of its name, or the histogram or summary that it belongs to. */
  add(sample: ReadSample): void {
    const bad = sample.labels.find(([label]) => label !== 'le' && !isLabelName(label));
    if (!isMetricName(sample.name)) this.lose(`bad name ${JSON.stringify(sample.name.slice(0, 80))}`);
    else if (bad) this.lose(`${sample.name} has the bad label ${JSON.stringify(bad[0].slice(0, 80))}`);
    else if (new Set(sample.labels.map(([label]) => label)).size < sample.labels.length)
      this.lose(`${sample.name} has a label twice`);
    else if (this.#seen.size === this.#seen.add(seriesId(sample)).size) this.lose(`duplicate series ${sample.name}`);
    else this.family(familyNameOf(sample.name, this.families)).samples.push(sample);
  }

  /** Counts something that could not be parsed. */
  lose(what: string): void {
    this.lostCount++;
    if (this.lost.length < MAX_SHOWN) this.lost.push(what);
  }

  get size(): number {
    let size = 0;
    for (const { samples } of this.families.values()) size += samples.length;
    return size;
  }
}

const MAX_SHOWN = 3;

/** Seconds or milliseconds since 1970, as whole milliseconds. */
export const stampOf = (value: number): number => Math.round(Math.abs(value) < 1e11 ? value * 1000 : value);
