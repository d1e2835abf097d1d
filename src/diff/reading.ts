import type { MetricType } from '../metrics/family.ts';
import { parseText } from '../metrics/text/parse.ts';

/** The metrics of one side at one time. */
export interface Reading {
  /** By series with sorted labels; without empty labels, because receivers treat an empty label as absent. */
  readonly samples: ReadonlyMap<string, number>;
  /** Timestamps of the samples that have one, ms since 1970. */
  readonly stamps: ReadonlyMap<string, number>;
  /** By family. */
  readonly types: ReadonlyMap<string, MetricType>;
}

/** Reads an exposition. Throws TextFormatError. */
export function readingOf(text: string): Reading {
  const samples = new Map<string, number>();
  const stamps = new Map<string, number>();
  const types = new Map<string, MetricType>();
  for (const line of parseText(text)) {
    if (line.kind === 'type') types.set(line.name, line.type);
    if (line.kind !== 'sample') continue;
    const labels = line.labels
      .filter(([, value]) => value !== '')
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    const series = `${line.name}{${labels.sort().join(',')}}`;
    samples.set(series, line.value);
    if (line.timestampMs !== undefined) stamps.set(series, line.timestampMs);
  }
  return { samples, stamps, types };
}

/** The part of a reading whose metric names `wanted` accepts. */
export function part({ samples, stamps, types }: Reading, wanted: (name: string) => boolean): Reading {
  return {
    samples: new Map([...samples].filter(([series]) => wanted(nameOf(series)))),
    stamps: new Map([...stamps].filter(([series]) => wanted(nameOf(series)))),
    types: new Map([...types].filter(([family]) => wanted(family))),
  };
}

/** The value of a label in a series of {@link readingOf}. */
export function labelOf(series: string, label: string): string | undefined {
  const found = new RegExp(`[{,]${label}=("(?:[^"\\\\]|\\\\.)*")`).exec(series)?.[1];
  return found === undefined ? undefined : String(JSON.parse(found));
}

/** The metric's name in a series of {@link readingOf}. */
export const nameOf = (series: string): string => series.slice(0, series.indexOf('{'));
