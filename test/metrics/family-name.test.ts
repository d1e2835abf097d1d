import assert from 'node:assert/strict';
import { test } from 'node:test';
import { familyNameOf, type MetricType } from '../../src/metrics/family.ts';

const DECLARED = new Map<string, { type: MetricType | undefined }>([
  ['latency', { type: 'histogram' }],
  ['size', { type: 'summary' }],
  ['size_count', { type: 'counter' }],
  ['files', { type: 'gauge' }],
  ['only_help', { type: undefined }],
]);

const CASES: Readonly<Record<string, string>> = {
  latency_bucket: 'latency',
  latency_sum: 'latency',
  latency_count: 'latency',
  size_sum: 'size',
  // A summary has no buckets.
  size_bucket: 'size_bucket',
  // It has a TYPE of its own.
  size_count: 'size_count',
  files_count: 'files_count',
  only_help_sum: 'only_help_sum',
  other: 'other',
  _sum: '_sum',
};

for (const [name, family] of Object.entries(CASES)) {
  test(`a sample named ${name} belongs to ${family}`, () => assert.equal(familyNameOf(name, DECLARED), family));
}
