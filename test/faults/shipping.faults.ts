import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Random } from '../kit/random.ts';
import type { Scripted } from '../kit/scripted-front.ts';
import { serverAvailable } from '../kit/servers.ts';
import { type ShippingKills, shipThroughKills } from '../kit/shipping-kills.ts';

const ENTRIES = 50_000;
const OUTAGE_MS = 60_000;
/** Percentage of broken uploads, and of uploads with the response of another server. */
const FAULTS = 15;

const cases: readonly (readonly [name: string, faults: Partial<ShippingKills>])[] = [
  ['twenty SIGKILLs and a receiver that is down for a minute twice', {}],
  [
    'the same with truncated uploads, lost responses, and responses 500, 429, 413 and garbage',
    {
      fault: (random: Random) => {
        if (!random.chance(FAULTS / 100)) return undefined;
        const at = random.below(400_000);
        return random.pick([
          { kind: 'cut', at, how: 'rst' },
          { kind: 'cut', at, how: 'fin' },
          { kind: 'loseAnswer' },
        ] as const);
      },
      answer: (random: Random): Scripted => {
        if (!random.chance(FAULTS / 100)) return 'pass';
        return random.pick<Scripted>([
          { status: 500, body: 'oh' },
          { status: 429, headers: { 'retry-after': '1' } },
          { status: 413, body: 'Payload larger than maximum size' },
          'garbage',
        ]);
      },
    },
  ],
];

for (const [name, faults] of cases) {
  test(`journald: 50,000 entries through ${name}`, { timeout: 1_800_000 }, async (context) => {
    if (!serverAvailable(context, 'systemd-journal-remote')) return;
    const result = await shipThroughKills(context, { entries: ENTRIES, outageMs: OUTAGE_MS, ...faults });
    const { missing, outOfOrder, wrongBoot, duplicates, unacknowledged, acknowledgedBehindPosition } = result;
    const allowed = `${unacknowledged} in flight, ${acknowledgedBehindPosition} acknowledged but not saved`;
    context.diagnostic(`${duplicates} duplicates (${allowed})`);
    for (const [outcome, uploads] of result.outcomes) context.diagnostic(`${uploads} uploads: ${outcome}`);
    assert.deepEqual({ missing, outOfOrder, wrongBoot }, { missing: 0, outOfOrder: 0, wrongBoot: 0 });
    assert.ok(duplicates <= unacknowledged + acknowledgedBehindPosition, `${duplicates} duplicates of ${allowed}`);
  });
}
