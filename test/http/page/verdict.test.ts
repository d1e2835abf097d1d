import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verdict } from '../../../src/http/page/verdict.js';
import type { CollectorView, ExporterView, StatusView } from '../../../src/http/status-view.ts';

const NOW = Date.UTC(2026, 0, 1, 3);

const collector = (id: string, more: Partial<CollectorView> = {}): CollectorView => {
  const [group = '', name = ''] = id.split('.');
  return { id, group, name, state: 'ok', durationsSeconds: [], series: 1, lostUnits: 0, errors: [], ...more };
};

const exporter = (more: Partial<ExporterView> = {}): ExporterView => ({
  name: 'vm',
  type: 'vmagent',
  url: 'http://vm:8428',
  groups: ['node'],
  state: 'ok',
  memory: { bodies: 0, bytes: 0 },
  sentSamples: 1,
  dropped: {},
  ...more,
});

/** A status of an agent that is well, but for `changes`. */
const status = (changes: Partial<StatusView> = {}): StatusView => ({
  nowMs: NOW,
  agent: {
    version: '1',
    runtime: 'v26',
    node: 'n',
    startedMs: 0,
    rssBytes: 1,
    eventLoopLagSeconds: 0,
    log: { level: 'info' },
    targets: {},
  },
  cycle: { intervalSeconds: 15, count: 9, skipped: 0, lastMs: NOW - 3000, nextMs: NOW + 12_000 },
  collectors: [collector('node.cpu'), collector('node.xfs', { state: 'nodata' })],
  exporters: [exporter()],
  budgets: [{ group: 'node', series: 10, limit: 100, dropped: [] }],
  topFamilies: [],
  control: { enabled: false, reload: false },
  config: {},
  ...changes,
});

const textfile = collector('node.textfile', { state: 'fault', reason: 'a.prom:1: no number' });

test('when all is well one sentence says so', () => {
  assert.deepEqual(verdict(status()), {
    level: 'ok',
    sentence: 'All is well: 1 collector delivers, the receiver keeps up.',
    problems: [],
  });
});

test('an agent that has just begun is neither well nor ill', () => {
  const cycle = { intervalSeconds: 15, count: 0, skipped: 0, nextMs: NOW };
  assert.equal(verdict(status({ cycle })).sentence, 'Starting: the first collection still runs.');
});

test('the sentence names the worst, alone by its name, several by their number, and counts the rest', () => {
  const one = verdict(status({ collectors: [collector('node.cpu', { state: 'partial', errors: ['x'] }), textfile] }));
  assert.equal(one.level, 'bad');
  assert.equal(one.sentence, 'Collector node.textfile fails; 1 more to look at.');
  assert.deepEqual(
    one.problems.map(({ what, why, href }) => [what, why, href]),
    [
      ['node.textfile fails', 'a.prom:1: no number', '#collector-node.textfile'],
      ['node.cpu: partial data', 'x', '#collector-node.cpu'],
    ],
  );
  const more = { collectors: [textfile, { ...textfile, id: 'node.b' }], exporters: [exporter({ state: 'retrying' })] };
  assert.equal(verdict(status(more)).sentence, '2 collectors fail and receiver vm is retrying.');
});

test('each thing that can be wrong is told with its reason', () => {
  const cases: readonly [Partial<StatusView>, RegExp, RegExp][] = [
    [{ exporters: [] }, /^Nothing is pushed\.$/, /No exporter is configured/],
    [
      { exporters: [exporter({ memory: { bodies: 2, bytes: 2048, oldestStampMs: NOW - 60_000 } })] },
      /^Receiver vm is catching up\.$/,
      /2 batches \(2 KiB\) waiting/,
    ],
    [
      { cycle: { intervalSeconds: 15, count: 1, skipped: 0, lastMs: NOW - 40_000, nextMs: NOW } },
      /^Nothing is collected\.$/,
      /began 40 s ago; one is due every 15 s/,
    ],
    [
      { budgets: [{ group: 'ksm', limit: 100, series: 95, dropped: [{ family: 'kube_pod_labels', series: 70 }] }] },
      /^Group ksm is over its series budget\.$/,
      /70 series left out: kube_pod_labels/,
    ],
    [
      { budgets: [{ group: 'ksm', limit: 100, series: 95, dropped: [] }] },
      /^Group ksm is near its series budget\.$/,
      /95 of 100 series/,
    ],
    [
      { election: { lease: 'a/b', master: false, holder: '', transitions: 0 } },
      /^No state agent leads\.$/,
      /the Lease a\/b/i,
    ],
    [
      { identity: { source: 'the kubelet', ageSeconds: 90, pods: 3, failure: 'ECONNREFUSED' } },
      /^Names of pods are not up to date\.$/,
      /the kubelet has not answered for 1 min 30 s: ECONNREFUSED/,
    ],
    [
      { reload: { atMs: NOW, applied: [], refused: ['push.intervall: unknown key'] } },
      /^A new configuration was refused\.$/,
      /push\.intervall: unknown key/,
    ],
    [
      {
        collectors: [
          collector('node.cpu', { disabled: { sinceMs: NOW, untilMs: NOW, reason: 'OPS-1', persisted: true } }),
        ],
      },
      /^Collector node\.cpu is disabled\.$/,
      /^OPS-1$/,
    ],
  ];
  for (const [changes, sentence, why] of cases) {
    const told = verdict(status(changes));
    assert.match(told.sentence, sentence);
    assert.match(told.problems[0]?.why ?? '', why);
  }
});

test('a warm state agent is well, and names who leads', () => {
  const election = { lease: 'a/b', master: false, holder: 'state-0', transitions: 1 };
  assert.match(verdict(status({ election })).sentence, /the receiver keeps up; state-0 leads\.$/);
});
