import type { Relabeling } from '../metrics/relabel/relabeling.ts';

/** Processing of the lines of a page. */
export interface PageOptions {
  /** Labels of the target, on every line: job, instance and others. */
  readonly labels: readonly (readonly [name: string, value: string])[];
  /** Additional labels that the push sets on every series. */
  readonly pushed: ReadonlySet<string>;
  /** Conflicting labels of a line keep their names, and those of the target are omitted. */
  readonly honorLabels: boolean;
  /** Lines keep their own timestamps. */
  readonly honorTimestamps: boolean;
  /** Relabel rules for the series, in this order. */
  readonly relabel: readonly Relabeling[];
  readonly limits: PageLimits;
}

/** Limits of a page; a page beyond them is rejected. */
export interface PageLimits {
  readonly samples: number;
  /** Labels of a line, not counting those of the target. */
  readonly labels: number;
  /** Bytes of the labels of a line. */
  readonly labelBytes: number;
}

/** Why a page is rejected. */
export class BadPage extends Error {
  override readonly name = 'BadPage';
}

/** Statistics of a page. */
export interface PageStatistics {
  /** Samples of the page, without duplicates. */
  readonly scraped: number;
  /** Samples remaining after relabeling. */
  readonly kept: number;
  /** Lines that repeat a series; the first one counts. */
  readonly duplicates: number;
  /** Lines whose own timestamp cannot be pushed, which are dropped. */
  readonly misdated: number;
  /** Series by the name of the metric. */
  readonly names: ReadonlyMap<string, number>;
}
