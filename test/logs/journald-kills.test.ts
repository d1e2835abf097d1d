import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverAvailable } from '../kit/servers.ts';
import { shipThroughKills } from '../kit/shipping-kills.ts';

const ENTRIES = 50_000;
const OUTAGE_MS = 1500;

test('entries survive a killed agent and a receiver that is down', async (context) => {
  if (!serverAvailable(context, 'systemd-journal-remote')) return;
  const result = await shipThroughKills(context, { entries: ENTRIES, outageMs: OUTAGE_MS });
  const { missing, outOfOrder, wrongBoot, duplicates, unacknowledged, acknowledgedBehindPosition } = result;
  context.diagnostic(`${duplicates} duplicates: ${unacknowledged} in flight, ${acknowledgedBehindPosition} not saved`);
  assert.deepEqual({ missing, outOfOrder, wrongBoot }, { missing: 0, outOfOrder: 0, wrongBoot: 0 });
  assert.ok(duplicates <= unacknowledged + acknowledgedBehindPosition, JSON.stringify(result));
});
