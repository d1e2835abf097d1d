import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resources } from '../../src/collectors/ksm/resources/index.ts';

const PAGE = join(import.meta.dirname, '..', '..', 'docs/metrics/kube-state.md');

test('the page of kube-state metrics has all labels, also those that only some series have', () => {
  const rows = readFileSync(PAGE, 'utf8')
    .split('\n')
    .map((line) => line.split(' | '));
  const further = new Map(rows.map(([name = '', , labels = '']) => [name.replaceAll(/[|` ]/g, ''), labels]));
  const missing = resources.flatMap(({ families }) =>
    families.flatMap(({ family: { name, labels }, extraLabels = [] }) => {
      const shown = new Set(further.get(name)?.match(/[\w*]+/g));
      return [...labels, ...extraLabels].filter((label) => !shown.has(label)).map((label) => `${name}: ${label}`);
    }),
  );
  assert.deepEqual(missing, []);
  assert.match(further.get('kube_job_status_failed') ?? '', /^\(reason\)$/);
  assert.match(further.get('kube_pod_labels') ?? '', /^label_\* by labelsAllowlist$/);
});
