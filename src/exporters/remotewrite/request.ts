import type { MetricType } from '../../metrics/family.ts';

/** Versions of the protocol: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/. */
export type Version = 1 | 2;

/** What is known about a family. */
export interface Facts {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
}

/** One series with its sample. */
export interface SeriesSample {
  readonly name: string;
  /** `{…}`; empty without labels. */
  readonly block: string;
  readonly facts: Facts | undefined;
  readonly value: number | 'stale';
  readonly stampMs: number;
  /** When the counter was still 0. That sample is sent first. */
  readonly zeroMs?: number | undefined;
}

/** A request before compression. */
export interface RawRequest {
  readonly content: Buffer;
  readonly samples: number;
  /** Offset of the sample of each series. */
  readonly sampleAt: readonly number[];
  /** Descriptions of families, to be appended to the content. Empty where the series contain them. */
  readonly metadata: Buffer;
}

/** Collects series of one target. */
export interface RequestBuilder {
  /** Bytes of the series so far. */
  readonly bytes: number;
  readonly isEmpty: boolean;
  readonly samples: number;
  /** Throws TextFormatError for labels that can't be parsed. */
  add(sample: SeriesSample): void;
  /** Adds the description of a family whose series are in other requests. Only 1.0 has these. */
  describe(facts: Facts): void;
  /** Returns the request with the series added since the last call. */
  take(): RawRequest;
}

/** The numbers of the types are the same in both versions. */
export const TYPE_NUMBERS: Readonly<Record<MetricType, number>> = {
  untyped: 0,
  counter: 1,
  gauge: 2,
  histogram: 3,
  summary: 5,
};
