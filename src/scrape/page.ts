import type { Relabeling } from '../metrics/relabel/relabeling.ts';

/** What is done to the lines of a page. */
export interface PageOptions {
  /** Labels of the target, on every line: job, instance and others. */
  readonly labels: readonly (readonly [name: string, value: string])[];
  /** Further labels that the push sets on every series. */
  readonly pushed: ReadonlySet<string>;
  /** Labels of a line that the target or the push has as well keep their names, and the target's are left out. */
  readonly honorLabels: boolean;
  /** Lines keep their own timestamps. */
  readonly honorTimestamps: boolean;
  /** Rules on the series, in this order. */
  readonly relabel: readonly Relabeling[];
  readonly limits: PageLimits;
}

/** What a page may have; over it, it is not taken at all. */
export interface PageLimits {
  readonly samples: number;
  /** Labels of a line, without those of the target. */
  readonly labels: number;
  /** Bytes of the labels of a line. */
  readonly labelBytes: number;
}

/** Why a page is not taken. */
export class BadPage extends Error {
  override readonly name = 'BadPage';
}

/** What a page was. */
export interface Page {
  /** Samples of the page, without duplicates. */
  readonly scraped: number;
  /** Those that are left under the rules. */
  readonly kept: number;
  /** Lines that repeat a series; the first one counts. */
  readonly duplicates: number;
  /** Series by the name of the metric. */
  readonly names: ReadonlyMap<string, number>;
}
