import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { createLog } from '../../../src/base/log.ts';
import { createEvents } from '../../../src/collectors/event/index.ts';
import { eventSection } from '../../../src/collectors/event/section.ts';
import { startFakeApi } from '../../kit/fake-api-server.ts';
import { samplesIn } from '../../kit/lines.ts';
import { until } from '../../kit/until.ts';
import { clientOf } from '../../kube/follow.ts';

const EVENTS = '/api/v1/events';

test('events that the API server sends are counted by result', async (t) => {
  const server = await startFakeApi(t);
  server.cluster.collection(EVENTS, 'Event', 'v1');
  const registry = new Registry();
  const events = createEvents(eventSection.parse({ enabled: true, reasons: ['Created'] }), {
    ...{ api: clientOf(t, server).client, log: createLog('silent'), registry },
    ...{ monotonicMs: () => 0, isElected: false },
  });
  t.after(() => events.stop());
  events.start();
  events.begin();
  await until(() => server.watches.size === 1);
  const event = (name: string, reason: string, count: number) => ({
    metadata: { namespace: 'shop', name, creationTimestamp: '2026-01-01T00:00:00Z' },
    ...{ type: 'Normal', reason, count, involvedObject: { kind: 'Pod', namespace: 'shop' } },
  });
  for (const one of [event('a', 'Created', 1), event('a', 'Created', 2), event('b', 'Pulled', 1)]) {
    server.cluster.put(EVENTS, one);
  }
  const seen = async () => samplesIn(await registry.metrics());
  await until(async () => (await seen()).length === 2);
  assert.deepEqual((await seen()).sort(), [
    'firesteel_kube_events_seen_total{result="counted"} 2',
    'firesteel_kube_events_seen_total{result="filtered"} 1',
  ]);
});
