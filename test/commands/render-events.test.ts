import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { render } from '../../src/commands/render.ts';
import { runCommand } from '../kit/command.ts';
import { fixture } from '../kit/host-tree.ts';
import { samplesIn } from '../kit/lines.ts';
import { samplesOf } from '../kit/samples.ts';

const EVENTS = fixture('cluster-cgroupv1/api/core_v1_events.json');

const renderText = (object: unknown, ...args: string[]) =>
  runCommand(render, ['-f', '-', ...args], { stdin: JSON.stringify(object) });

const event = (over: object) => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { namespace: 'shop', name: 'a', uid: 'u' },
  type: 'Warning',
  reason: 'BackOff',
  involvedObject: { kind: 'Pod', namespace: 'shop' },
  ...over,
});

test('recorded events: exact totals by reason, and the exit code is 0', async () => {
  const { code, stdout, stderr } = await runCommand(render, ['-f', EVENTS]);
  const wanted = new Map<string, number>();
  for (const { reason, count, series } of JSON.parse(readFileSync(EVENTS, 'utf8')).items) {
    wanted.set(reason, (wanted.get(reason) ?? 0) + (series?.count ?? count ?? 1));
  }
  const found = new Map<string, number>();
  for (const [series, value] of samplesOf(stdout)) {
    if (!series.startsWith('kube_events_total{')) continue;
    const reason = /reason="([^"]*)"/.exec(series)?.[1] ?? '';
    found.set(reason, (found.get(reason) ?? 0) + Number(value));
  }
  assert.deepEqual(found, wanted);
  assert.deepEqual([code, stderr], [0, '']);
});

test('events are sorted among other families, each family once, and a duplicate event counts once', async () => {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'shop', name: 'p' } };
  const items = [
    event({ count: 3 }),
    event({ count: 5 }),
    event({ metadata: { name: 'b' }, series: { count: 2 } }),
    pod,
  ];
  const { code, stdout } = await renderText(items);
  const helps = [...stdout.matchAll(/^# HELP (\S+)/gm)].map(([, name]) => name);
  assert.deepEqual(helps, [...new Set(helps)].sort());
  const totals = [...samplesOf(stdout)].filter(([series]) => series.startsWith('kube_events_total{'));
  assert.deepEqual(
    totals.map(([, value]) => Number(value)),
    [7],
  );
  assert.equal(code, 0);
});

test('malformed events are one occurrence each; an excluded family is not printed', async () => {
  const odd = [
    event({ count: -3 }),
    event({ metadata: {}, count: 1.5 }),
    event({ metadata: {}, reason: 'two words', involvedObject: null }),
  ];
  const { stdout } = await renderText(odd, '--metric-denylist', 'last_timestamp');
  const values = [...samplesOf(stdout)].map(([series, value]) => [/reason="([^"]*)"/.exec(series)?.[1], Number(value)]);
  assert.deepEqual(values, [
    ['BackOff', 2],
    ['__invalid__', 1],
  ]);
});

test('an event has a total and the time of its last occurrence', async () => {
  const { stdout } = await renderText(event({ count: 3, lastTimestamp: '2026-01-01T00:00:05Z' }));
  const labels = 'type="Warning",involved_object_namespace="shop",involved_object_kind="Pod",reason="BackOff"';
  assert.deepEqual(samplesIn(stdout), [
    `kube_events_last_timestamp_seconds{${labels}} 1767225605`,
    `kube_events_total{${labels}} 3`,
  ]);
});

test('the reporting component is an optional label', async () => {
  const { stdout } = await renderText(event({ reportingComponent: 'kubelet' }), '--reporting-component');
  assert.match(stdout, /reporting_component="kubelet"\} 1$/m);
});
