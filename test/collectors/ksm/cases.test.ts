import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseLine } from '../../../src/metrics/text/parse.ts';
import { fixture } from '../../kit/host-tree.ts';
import { fullRenderer, resourceNamed } from './kit.ts';

// A schedule without a zone uses that of the process.
process.env.TZ = 'UTC';

interface Case {
  readonly id: string;
  readonly resource: string;
  readonly obj: object;
  readonly allowLabels: readonly string[];
  readonly allowAnnotations: readonly string[];
  readonly metricNames: readonly string[] | null;
  readonly want: string;
}

const cases: readonly Case[] = JSON.parse(readFileSync(fixture('ksm/cases.json'), 'utf8'));

/** Sample lines with sorted labels, sorted; empty labels stay, because the cases contain them. */
function sorted(text: string): string[] {
  return text
    .split('\n')
    .map((line) => parseLine(line.trim()))
    .filter((line) => line?.kind === 'sample')
    .map(({ name, labels, value }) =>
      JSON.stringify([name, ...labels.map(([key, text]) => `${key}=${text}`).sort(), value]),
    )
    .sort();
}

/** Schedules that kube-state-metrics considers invalid, but Kubernetes runs: a step is wider than its range. */
const RUN_BY_KUBERNETES = new Set(['cronjob_test.go#7', 'cronjob_test.go#8']);

for (const { id, resource, obj, allowLabels, allowAnnotations, metricNames, want } of cases.filter(
  ({ id }) => !RUN_BY_KUBERNETES.has(id),
)) {
  test(`kube-state-metrics' case ${id} (${resource}) has the same samples`, () => {
    const renderer = fullRenderer(resourceNamed(resource), allowLabels, allowAnnotations);
    const { text, errors } = renderer.render(obj);
    const patterns = metricNames?.map((source) => new RegExp(source));
    const compared = text
      .split('\n')
      .filter((line) => !patterns || patterns.some((pattern) => pattern.test(line.slice(0, line.indexOf('{')))))
      .join('\n');
    assert.deepEqual(errors, []);
    assert.deepEqual(sorted(compared), sorted(want));
  });
}
