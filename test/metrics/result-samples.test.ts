import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CollectorResult } from '../../src/metrics/outcome.ts';
import { resultSamples } from '../../src/metrics/result-samples.ts';
import { linesOf } from '../kit/lines.ts';

const ran: CollectorResult = {
  ...{ group: 'node', collector: 'cpu', outcome: 'ok', durationSeconds: 0.25, errors: [], withheld: [], samples: 7 },
};

test('samples about the result of each collector', () => {
  const results: readonly CollectorResult[] = [
    { ...ran, errors: [new Error('one')], withheld: ['another'], renamed: 3, overLimit: 4 },
    { ...ran, collector: 'wifi', outcome: 'nodata', reason: 'no device', samples: 0 },
    { ...ran, collector: 'arp', outcome: 'fault', samples: 0, errors: [new Error('broken')] },
    { ...ran, collector: 'mdadm', outcome: 'disabled', reason: 'slow disk' },
  ];
  assert.deepEqual(linesOf(resultSamples(results)), [
    'firesteel_collector_success{group="node",collector="cpu"} 1',
    'firesteel_collector_duration_seconds{group="node",collector="cpu"} 0.25',
    'firesteel_collector_samples{group="node",collector="cpu"} 7',
    'firesteel_collector_lost_units{group="node",collector="cpu"} 2',
    'firesteel_collector_renamed_series{group="node",collector="cpu"} 3',
    'firesteel_collector_over_limit_series{group="node",collector="cpu"} 4',
    'firesteel_collector_success{group="node",collector="wifi"} 1',
    'firesteel_collector_duration_seconds{group="node",collector="wifi"} 0.25',
    'firesteel_collector_samples{group="node",collector="wifi"} 0',
    'firesteel_collector_lost_units{group="node",collector="wifi"} 0',
    'firesteel_collector_no_data{group="node",collector="wifi",reason="no device"} 1',
    'firesteel_collector_success{group="node",collector="arp"} 0',
    'firesteel_collector_duration_seconds{group="node",collector="arp"} 0.25',
    'firesteel_collector_samples{group="node",collector="arp"} 0',
    'firesteel_collector_lost_units{group="node",collector="arp"} 1',
    'firesteel_collector_disabled{group="node",collector="mdadm",reason="slow disk"} 1',
  ]);
});
