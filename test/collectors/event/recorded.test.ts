import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { occurrenceOf } from '../../../src/collectors/event/occurrence.ts';
import { EventTally } from '../../../src/collectors/event/tally.ts';
import type { EventObject } from '../../../src/kube/event.ts';
import { recorded } from '../../kit/fake-api-server.ts';
import { fixture } from '../../kit/host-tree.ts';

const SETS: Readonly<Record<string, string>> = {
  'cluster-cgroupv1': recorded('api/core_v1_events.json'),
  'events-k8s-io': readFileSync(fixture('events/events-k8s-io.json'), 'utf8'),
};

const expected = JSON.parse(readFileSync(fixture('events/totals.json'), 'utf8')) as Record<string, object>;

for (const [name, text] of Object.entries(SETS)) {
  const { items } = JSON.parse(text) as { items: EventObject[] };

  test(`events of ${name}: totals by reason as counted by jq`, () => {
    const tally = new EventTally({ maxSeries: 5000, withComponent: false, handsOver: true, wants: () => true });
    tally.listed();
    tally.begin(undefined);
    for (const [index, event] of items.entries()) {
      // Each first arrives with a lower count, as it grew.
      const whole = occurrenceOf(event);
      const uid = event.metadata?.uid ?? '';
      const about = (version: number) => ({ uid, version, createdSeconds: undefined });
      if (whole.count > 1) tally.upsert(uid, about(2 * index), { ...whole, count: whole.count - 1 });
      tally.upsert(uid, about(2 * index + 1), whole);
    }
    tally.advance();
    const found: Record<string, number> = {};
    for (const { reason, count } of tally.series) found[reason] = (found[reason] ?? 0) + count;
    assert.deepEqual(found, expected[name]);
  });

  test(`events of ${name}: each has a time, an object and a reporter`, () => {
    for (const event of items) {
      const { lastSeconds, kind, component, type } = occurrenceOf(event);
      assert.ok(lastSeconds !== undefined && kind !== '' && component !== '' && type !== '', JSON.stringify(event));
    }
  });

  test(`events of ${name}: jq still returns the recorded counts`, (t) => {
    const counted = spawnSync('jq', ['-f', fixture('events/totals.jq')], { input: text, encoding: 'utf8' });
    if (counted.error) {
      t.skip('jq is not on PATH');
      return;
    }
    assert.deepEqual(JSON.parse(counted.stdout), expected[name]);
  });
}
