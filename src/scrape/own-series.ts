import { numberText, stampText } from '../metrics/text/format.ts';
import type { SeriesLimit } from './series-limit.ts';

/** The result of a scrape, for the series about it. */
interface OwnFigures {
  /** When it began, milliseconds since 1970. */
  readonly stampMs: number;
  readonly durationSeconds: number;
  readonly timeoutMs: number;
  readonly samplesLimit: number;
  readonly seriesLimit: SeriesLimit | undefined;
  /** The page; undefined if it was rejected. */
  readonly result:
    | { readonly scraped: number; readonly kept: number; readonly added: number; readonly bytes: number }
    | undefined;
}

/** Families of every target; names and semantics of Prometheus and vmagent. */
const EACH: Readonly<Record<string, (figures: OwnFigures) => number>> = {
  up: ({ result }) => (result ? 1 : 0),
  scrape_duration_seconds: ({ durationSeconds }) => durationSeconds,
  scrape_samples_scraped: ({ result }) => result?.scraped ?? 0,
  scrape_samples_post_metric_relabeling: ({ result }) => result?.kept ?? 0,
  scrape_series_added: ({ result }) => result?.added ?? 0,
  scrape_response_size_bytes: ({ result }) => result?.bytes ?? 0,
  scrape_timeout_seconds: ({ timeoutMs }) => timeoutMs / 1000,
  scrape_samples_limit: ({ samplesLimit }) => samplesLimit,
};

/** Families of targets whose series are limited, as in vmagent. */
const LIMITED: Readonly<Record<string, (limit: SeriesLimit, figures: OwnFigures) => number>> = {
  scrape_series_limit: ({ limit }) => limit,
  scrape_series_current: ({ current }) => current,
  scrape_series_limit_samples_dropped: ({ dropped }, { result }) => (result ? dropped : 0),
};

/** Names of the series of a target in addition to those of its page. */
export const ownFamilies = (limit: SeriesLimit | undefined): string[] => [
  ...Object.keys(EACH),
  ...(limit === undefined ? [] : Object.keys(LIMITED)),
];

/** The lines of these series, as Latin-1 strings of bytes. `keyOf` returns the series key for a name. */
export function ownLines(keyOf: (name: string) => string, figures: OwnFigures): string[] {
  const { seriesLimit, stampMs } = figures;
  const values = Object.entries(EACH).map(([name, read]): [string, number] => [name, read(figures)]);
  if (seriesLimit !== undefined) {
    for (const [name, read] of Object.entries(LIMITED)) values.push([name, read(seriesLimit, figures)]);
  }
  const lines = values.map(([name, value]) => `${keyOf(name)} ${numberText(value)} ${stampText(stampMs)}\n`);
  return lines.map((line) => Buffer.from(line).toString('latin1'));
}
