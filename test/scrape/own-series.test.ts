import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownFamilies, ownLines } from '../../src/scrape/own-series.ts';
import { SeriesLimit } from '../../src/scrape/series-limit.ts';

const figures = {
  stampMs: 1000,
  durationSeconds: 0.5,
  timeoutMs: 10_000,
  samplesLimit: 50_000,
  seriesLimit: undefined,
};
const withoutStamp = (line: string) => line.split(' ').slice(0, 2).join(' ');
const keyOf = (name: string) => `${name}{job="j"}`;

test('the series about a target, from the figures of its last page', () => {
  const limit = new SeriesLimit(2);
  limit.begin(1000);
  for (const hash of [1, 2, 3]) limit.takes(hash);
  const result = { scraped: 8, kept: 7, added: 3, bytes: 400 };
  const lines = ownLines(keyOf, { ...figures, seriesLimit: limit, result });
  assert.deepEqual(lines.map(withoutStamp), [
    'up{job="j"} 1',
    'scrape_duration_seconds{job="j"} 0.5',
    'scrape_samples_scraped{job="j"} 8',
    'scrape_samples_post_metric_relabeling{job="j"} 7',
    'scrape_series_added{job="j"} 3',
    'scrape_response_size_bytes{job="j"} 400',
    'scrape_timeout_seconds{job="j"} 10',
    'scrape_samples_limit{job="j"} 50000',
    'scrape_series_limit{job="j"} 2',
    'scrape_series_current{job="j"} 2',
    'scrape_series_limit_samples_dropped{job="j"} 1',
  ]);
  assert.equal(lines.length, ownFamilies(limit).length);
});

test('a rejected page is a target that is down, with zeros', () => {
  const lines = ownLines(keyOf, { ...figures, result: undefined });
  assert.deepEqual(lines.map(withoutStamp), [
    'up{job="j"} 0',
    'scrape_duration_seconds{job="j"} 0.5',
    'scrape_samples_scraped{job="j"} 0',
    'scrape_samples_post_metric_relabeling{job="j"} 0',
    'scrape_series_added{job="j"} 0',
    'scrape_response_size_bytes{job="j"} 0',
    'scrape_timeout_seconds{job="j"} 10',
    'scrape_samples_limit{job="j"} 50000',
  ]);
});
