import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { collectorState, exporterState } from '../../../src/http/page/levels.js';
import { KINDS } from '../../../src/http/page/problem-kinds.js';
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

const HISTORY: StatusView['history'] = {
  atMs: [],
  cpuSeconds: [],
  rssBytes: [],
  backlogBytes: [],
  accepted: [],
  failed: [],
  droppedSamples: [],
  skipped: [],
};

/** The status of a healthy agent, with `changes`. */
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
  history: HISTORY,
  budgets: [{ group: 'node', series: 10, limit: 100, dropped: [] }],
  topFamilies: [],
  control: { enabled: false, reload: false },
  config: {},
  ...changes,
});

const DOWN = {
  source: 'pods',
  url: 'http://10.0.0.9/metrics',
  labels: {},
  state: 'down',
  scraped: 0,
  kept: 0,
  bytes: 0,
  error: 'ETIMEDOUT',
  scrapes: 4,
  failures: 4,
  skipped: 0,
} as const;

const textfile = collector('node.textfile', { state: 'fault', reason: 'a.prom:1: no number' });

test('if all is well, one sentence says so', () => {
  assert.deepEqual(verdict(status()), {
    level: 'ok',
    sentence: 'All is well: 1 collector delivers, the receiver keeps up.',
    problems: [],
  });
});

test('an agent that has just started is neither healthy nor failing', () => {
  const cycle = { intervalSeconds: 15, count: 0, skipped: 0, nextMs: NOW };
  assert.equal(verdict(status({ cycle })).sentence, 'Starting: the first collection is still running.');
});

test('the sentence names the worst problem, or the number of several, and counts the rest', () => {
  const one = verdict(status({ collectors: [collector('node.cpu', { state: 'partial', errors: ['x'] }), textfile] }));
  assert.equal(one.level, 'bad');
  assert.equal(one.sentence, 'Collector node.textfile fails; 1 more to check.');
  assert.deepEqual(
    one.problems.map(({ what, why, href }) => [what, why, href]),
    [
      ['node.textfile fails', 'a.prom:1: no number', '#collector-node.textfile'],
      ['node.cpu: partial data', 'x', '#collector-node.cpu'],
    ],
  );
  const more = { collectors: [textfile, { ...textfile, id: 'node.b' }], exporters: [exporter({ state: 'retrying' })] };
  assert.equal(verdict(status(more)).sentence, 'Receiver vm is retrying and 2 collectors fail.');
});

test('each kind of problem is reported with its reason', () => {
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
      { election: { lease: 'a/b', master: false, holder: '', transitions: 0, withoutLease: false } },
      /^No state agent leads\.$/,
      /the Lease a\/b/i,
    ],
    [
      { election: { lease: 'a/b', master: false, holder: 'c', transitions: 0, withoutLease: false, failure: '403' } },
      /^The Lease a\/b cannot be used\.$/,
      /403/,
    ],
    [
      { identity: { source: 'the kubelet', ageSeconds: 90, pods: 3, failure: 'ECONNREFUSED' } },
      /^Pod names are stale\.$/,
      /the kubelet has not responded for 1 min 30 s: ECONNREFUSED/,
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
    [
      { history: { ...HISTORY, atMs: [NOW], skipped: [0, 4] } },
      /^Cycles were skipped\.$/,
      /^4 cycles in the last 10 minutes/,
    ],
    [
      {
        history: { ...HISTORY, atMs: [NOW], droppedSamples: [0, 40] },
        exporters: [exporter({ dropped: { queue_full: 40, replaced: 9 } })],
      },
      /^Samples were dropped\.$/,
      /^40 samples in the last hour: queue full\.$/,
    ],
    [
      {
        tasks: [
          {
            id: 'shop',
            type: 'http',
            group: 'probe',
            source: 'api',
            state: 'waiting',
            settings: {},
            intervalSeconds: 30,
            timeoutSeconds: 10,
            nextMs: NOW + 9000,
            result: 'error',
            series: 0,
            error: 'ECONNREFUSED',
            runs: {},
            skipped: {},
          },
        ],
      },
      /^Task shop: error\.$/,
      /^ECONNREFUSED$/,
    ],
    [
      { scrape: { targets: [DOWN], up: 3, down: 1, waiting: 0, leftOut: 0, dropped: 0 } },
      /^1 target is down\.$/,
      /http:\/\/10\.0\.0\.9\/metrics\. ETIMEDOUT/,
    ],
    [
      {
        collectors: [
          collector('agent.ksm', { state: 'fault', reason: 'secrets: 403' }),
          collector('ksm.state', {
            state: 'fault',
            reason: 'secrets: 403',
            resources: [
              { resource: 'secrets', state: 'down', objects: 0, error: '403', nextTryMs: NOW + 5000 },
              { resource: 'gateways', state: 'not-served', objects: 0 },
            ],
          }),
        ],
      },
      /^Resource secrets is not followed\.$/,
      /^403$/,
    ],
    [
      {
        exporters: [
          exporter({ spool: { bodies: 0, bytes: 0, limitBytes: 9, foreign: 0, trouble: 'the disk does not respond' } }),
        ],
      },
      /^The spool of vm is unavailable\.$/,
      /the disk does not respond/,
    ],
    [
      {
        exporters: [
          exporter({
            state: 'retrying',
            memory: { bodies: 3, bytes: 12_288 },
            spool: { bodies: 0, bytes: 0, limitBytes: 9e6, foreign: 0 },
            lastFailure: { atMs: NOW, text: 'ECONNREFUSED' },
            nextTryMs: NOW + 12_000,
            lossInSeconds: 12_000,
          }),
        ],
      },
      /^Receiver vm is retrying\.$/,
      /^3 batches \(12 KiB\) waiting\. Data is lost in about 3 h 20 min at this rate\. ECONNREFUSED$/,
    ],
  ];
  for (const [changes, sentence, why] of cases) {
    const shown = verdict(status(changes));
    assert.match(shown.sentence, sentence);
    assert.match(shown.problems[0]?.why ?? '', why);
  }
});

test('a ready state agent is healthy, and names the leader', () => {
  const election = { lease: 'a/b', master: false, holder: 'state-0', transitions: 1, withoutLease: false };
  assert.match(verdict(status({ election })).sentence, /the receiver keeps up; state-0 leads\.$/);
});

/** Anchors of the runbook's headings. */
const anchors = new Set(
  [...readFileSync(new URL('../../../docs/runbook.md', import.meta.url), 'utf8').matchAll(/^#+ (.*)$/gm)].map(
    ([, text = '']) =>
      text
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
  ),
);

test('each kind of problem has advice, and a heading in the runbook', () => {
  for (const [name, { todo, anchor }] of Object.entries(KINDS)) {
    assert.match(todo, /^[A-Z0-9].*\.?$/, name);
    assert.ok(anchors.has(anchor), `${name}: docs/runbook.md has no heading #${anchor}`);
  }
});

test('a fault is never green', () => {
  const view = status();
  const faulty: readonly Partial<ExporterView>[] = [
    { state: 'paused' },
    { state: 'retrying' },
    { spool: { bodies: 0, bytes: 0, limitBytes: 9, foreign: 0, trouble: 'x' } },
    { leftOut: [{ group: 'node', family: 'f', sinceMs: 0, retryMs: 0, reason: 'x' }] },
    { memory: { bodies: 1, bytes: 1, oldestStampMs: NOW - 60_000 } },
  ];
  for (const one of faulty) assert.notEqual(exporterState(exporter(one), view).level, 'ok', JSON.stringify(one));
  const collectors: readonly Partial<CollectorView>[] = [
    { state: 'fault' },
    { state: 'partial' },
    { leftOut: [{ family: 'f', series: 1 }] },
    { resources: [{ resource: 'pods', state: 'down', objects: 0 }] },
  ];
  for (const one of collectors) {
    assert.notEqual(collectorState(collector('node.a', one)).level, 'ok', JSON.stringify(one));
  }
});
