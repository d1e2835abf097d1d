import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logMetrics } from '../../src/logs/metrics.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';
import { samplesIn } from '../kit/lines.ts';

test('the metrics of shipping logs: gauges of each lane, and counters', async () => {
  const lane = { source: 'files', exporter: 'x', inFlight: 3, lagSeconds: 1.5 };
  const lanes: ReturnType<Parameters<typeof logMetrics>[0]> = [
    { ...lane, lagEntries: 40, lost: { 'rotated away': 2 }, lostBytes: { unread: 99 } },
    { ...lane, source: 'kernel', inFlight: 0, lagSeconds: 0, lost: {}, lostBytes: {} },
  ];
  const { scope, entries, dropped, bytes, saveErrors } = logMetrics(() => lanes);
  const of = { source: 'files', exporter: 'x' };
  entries.inc({ ...of, outcome: 'acked' }, 10);
  dropped.inc({ ...of, reason: 'rejected' }, 4);
  bytes.inc(of, 500);
  saveErrors.inc(of);
  const registry = new AgentRegistry();
  registry.attach([scope]);
  assert.deepEqual(samplesIn(await registry.metrics()).sort(), [
    'firesteel_logs_bytes_total{source="files",exporter="x"} 500',
    'firesteel_logs_dropped_total{source="files",exporter="x",reason="rejected"} 4',
    'firesteel_logs_entries_total{source="files",exporter="x",outcome="acked"} 10',
    'firesteel_logs_in_flight_entries{source="files",exporter="x"} 3',
    'firesteel_logs_in_flight_entries{source="kernel",exporter="x"} 0',
    'firesteel_logs_lag_entries{source="files",exporter="x"} 40',
    'firesteel_logs_lag_seconds{source="files",exporter="x"} 1.5',
    'firesteel_logs_lag_seconds{source="kernel",exporter="x"} 0',
    'firesteel_logs_lost_bytes_total{source="files",exporter="x",reason="unread"} 99',
    'firesteel_logs_lost_total{source="files",exporter="x",reason="rotated away"} 2',
    'firesteel_logs_position_save_errors_total{source="files",exporter="x"} 1',
  ]);
});
