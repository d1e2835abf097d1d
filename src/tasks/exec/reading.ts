import { isLabelName, isMetricName, type MetricType } from '../../metrics/family.ts';

/** Labels of a sample, in the order of its line. */
type Labels = readonly (readonly [name: string, value: string])[];

/** One sample of a program's output. */
interface ReadSample {
  /** With the suffix of a histogram's or summary's part. */
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
  /** Milliseconds since 1970; undefined for now. */
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
    else this.family(this.#ownerOf(sample.name)).samples.push(sample);
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

  #ownerOf(name: string): string {
    const [, base, suffix] = /^(.+)_(bucket|sum|count)$/.exec(name) ?? [];
    const type = base === undefined ? undefined : this.families.get(base)?.type;
    const isPart = type === 'histogram' || (type === 'summary' && suffix !== 'bucket');
    return isPart && base !== undefined ? base : name;
  }
}

const MAX_SHOWN = 3;

/** A metric name that all receivers accept. */
export const metricName = (text: string): string => text.replaceAll(/[^a-zA-Z0-9_:]/g, '_').replace(/^(?=\d)/, '_');

/** A label name that all receivers accept. */
export const labelName = (text: string): string =>
  text
    .replaceAll(/[^a-zA-Z0-9_]/g, '_')
    .replace(/^(?=\d)/, '_')
    .replace(/^__+/, '_');

/** Seconds or milliseconds since 1970, as milliseconds. */
export const stampOf = (value: number): number => (Math.abs(value) < 1e11 ? value * 1000 : value);
