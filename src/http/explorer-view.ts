// API data about families and series; see status-view.ts.
import type { MetricType } from '../metrics/family.ts';

/** The number of series of a group and its limit. */
export interface BudgetView {
  readonly group: string;
  /** Absent when there is no limit. */
  readonly limit?: number;
  readonly series: number;
  /** Families dropped in the last cycle, and their series. */
  readonly dropped: readonly { readonly family: string; readonly series: number }[];
}

/** A family of the last cycle. */
export interface FamilyView {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly groups: readonly string[];
  readonly series: number;
  /** Groups in which the series budget drops it from the push; absent when there are none. */
  readonly leftOut?: readonly string[];
}

/** A part of a list; `total` counts what matches. */
export interface Page {
  readonly total: number;
  readonly offset: number;
  readonly limit: number;
}

/**
 * `GET /v1/metrics?match=…&offset=0&limit=50`: families by name. `match` is case-insensitive text; if it has several
 * words, all must be part of the name. `limit` is 500 at most.
 */
export interface FamilyPage extends Page {
  /** Start of the collection shown; absent before the first. */
  readonly stampMs?: number;
  readonly families: readonly FamilyView[];
}

/**
 * `GET /v1/metrics?name=F&label=k=v&label=…&text=…&offset=0&limit=50`: the series of one family in the order of
 * collection, with the values of the last cycle. `label` is exact (`k=`: without that label), `text` is part of the
 * labels' text, case-insensitive. 404 if there is no such family.
 */
export interface SeriesPage extends Page {
  readonly stampMs?: number;
  readonly family: FamilyView;
  readonly series: readonly SeriesView[];
}

/** One series with its current value. */
export interface SeriesView {
  readonly group: string;
  /** That of the family, possibly with the suffix `_bucket`, `_sum` or `_count`. */
  readonly name: string;
  /** Without those of the group's target. */
  readonly labels: Readonly<Record<string, string>>;
  /** Text, because JSON has no NaN and no infinity: `1.5`, `NaN`, `+Inf`, `-Inf`. */
  readonly value: string;
  /** `name{label="value"}`, which is also PromQL. */
  readonly selector: string;
}
