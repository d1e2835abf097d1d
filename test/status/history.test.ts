import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExporterView } from '../../src/http/status-view.ts';
import { Forecast } from '../../src/status/forecast.ts';
import { History } from '../../src/status/history.ts';

const START = Date.UTC(2026, 0, 1, 3);
const MINUTE = 60_000;

const exporter = (more: Partial<ExporterView> = {}): ExporterView => ({
  name: 'vm',
  type: 'vmagent',
  url: 'http://vm:8428',
  groups: ['node'],
  state: 'retrying',
  memory: { bodies: 0, bytes: 0 },
  sentSamples: 1,
  dropped: {},
  ...more,
});

test('the history has one point per minute, of growth and of the final state, and drops them after an hour', () => {
  const history = new History();
  for (let second = 0; second <= 90 * 60; second += 15) {
    const pushes = { accepted: second / 15, failed: second >= 3600 ? 1 : 0 };
    const one = exporter({ pushes, memory: { bodies: 1, bytes: second }, dropped: { replaced: second, too_old: 0 } });
    history.add(
      START + second * 1000,
      { cpuSeconds: second / 10, rssBytes: 1000 + second },
      [one],
      second > 4000 ? 2 : 0,
    );
  }
  const { view } = history;
  for (const values of Object.values(view)) assert.equal(values.length, 60);
  assert.equal(view.atMs.at(-1), START + 90 * MINUTE);
  assert.equal(view.atMs[0], START + 31 * MINUTE);
  assert.equal(view.accepted[0], 4);
  assert.equal(view.cpuSeconds[0], 0.1);
  assert.equal(view.rssBytes.at(-1), 1000 + 5400);
  assert.equal(view.backlogBytes.at(-1), 5400);
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  assert.equal(sum(view.failed), 1);
  assert.equal(sum(view.skipped), 2);
  assert.equal(sum(view.droppedSamples), 0, 'pushes replaced by newer ones are not lost');
  assert.ok(JSON.stringify(view).length < 5000);
});

test('counters of a receiver replaced by a reload start again', () => {
  const history = new History();
  const at = (minute: number, accepted: number) =>
    history.add(
      START + minute * MINUTE,
      { cpuSeconds: 1, rssBytes: 1 },
      [exporter({ pushes: { accepted, failed: 0 } })],
      0,
    );
  at(0, 100);
  at(1, 104);
  at(2, 3);
  assert.deepEqual(history.view.accepted, [100, 4, 3]);
});

test('the loss of a backlog is predicted from its growth and the limits of the spool', () => {
  const forecast = new Forecast();
  const limits = { bytes: 13_000_000, ageMs: 24 * 3_600_000 };
  let now = START;
  let one = exporter();
  for (let minute = 0; minute <= 20; minute++) {
    now = START + minute * MINUTE;
    const spool = {
      bodies: minute,
      bytes: minute * 60_000,
      limitBytes: limits.bytes,
      foreign: 0,
      oldestStampMs: START,
    };
    one = exporter({ limits, spool });
    forecast.add(now, [one]);
  }
  // 11.8 MB remain, at 1000 bytes a second.
  assert.equal(forecast.lossInSeconds(one, now, 15_000), 11_800);
  const byAge = { ...one, limits: { ...limits, ageMs: 3_600_000 } };
  assert.equal(forecast.lossInSeconds(byAge, now, 15_000), 40 * 60, 'the maximum age is reached first');
  assert.equal(forecast.lossInSeconds({ ...one, state: 'ok' }, now, 15_000), undefined, 'sent data is not lost');
  const full = { ...one, spool: { bodies: 1, bytes: 13_000_000, limitBytes: limits.bytes, foreign: 0 } };
  assert.equal(forecast.lossInSeconds(full, now, 15_000), 0);
});

test('without a spool the memory holds a few cycles, and for a Pushgateway only the newest push', () => {
  const forecast = new Forecast();
  const memory = { bodies: 2, bytes: 9, oldestStampMs: START };
  const one = exporter({ limits: { bytes: 8e6, cycles: 4 }, memory });
  forecast.add(START + 15_000, [one]);
  assert.equal(forecast.lossInSeconds(one, START + 15_000, 15_000), 45);
  assert.equal(forecast.lossInSeconds(exporter({ memory }), START + 15_000, 15_000), undefined);
});

test('a receiver that refuses every batch for good threatens nothing: no batch waits', () => {
  const forecast = new Forecast();
  const refusing = exporter({ state: 'retrying', limits: { bytes: 8e6, cycles: 4, ageMs: 60_000 } });
  for (let cycle = 0; cycle < 20; cycle++) forecast.add(START + cycle * 15_000, [refusing]);
  assert.equal(forecast.lossInSeconds(refusing, START + 300_000, 15_000), undefined);
});

test('a backlog that shrank is measured again', () => {
  const forecast = new Forecast();
  const limits = { bytes: 1_000_000, ageMs: 24 * 3_600_000 };
  const at = (second: number, bytes: number) => {
    const one = exporter({ limits, memory: { bodies: 1, bytes, oldestStampMs: START } });
    forecast.add(START + second * 1000, [one]);
    return forecast.lossInSeconds(one, START + second * 1000, 15_000);
  };
  at(0, 0);
  assert.equal(at(100, 100_000), 900);
  assert.equal(at(115, 50_000), 86_285, 'only the age limits it');
  at(130, 60_000);
  assert.equal(at(165, 75_000), 1850);
});
