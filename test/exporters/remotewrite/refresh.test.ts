import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refresh } from '../../../src/exporters/remotewrite/refresh.ts';
import { randomFrom } from '../../kit/random.ts';

const REFRESH_MS = 60_000;
const textOf = (members: readonly Buffer[]) => ({ compression: 'zstd' as const, members });
const blocks = (count: number): Buffer[] => Array.from({ length: count }, (_, index) => Buffer.from(`block ${index}`));

test('the first cycle sends all blocks, the next ones spread them evenly over the time of a refresh', () => {
  const refresh = new Refresh(REFRESH_MS);
  const members = blocks(100);
  assert.equal(refresh.choose(textOf(members), 0).members.length, 100);
  const seen = new Map<Buffer, number>();
  for (let cycle = 1; cycle <= 4; cycle++) {
    const { members: chosen, compression } = refresh.choose(textOf(members), cycle * 15_000);
    assert.equal(compression, 'zstd');
    assert.equal(chosen.length, 25);
    for (const member of chosen) seen.set(member, (seen.get(member) ?? 0) + 1);
  }
  assert.equal(seen.size, 100);
  assert.ok([...seen.values()].every((times) => times === 1));
});

test('a changed block is sent immediately and in its place, and a removed one is not', () => {
  const refresh = new Refresh(REFRESH_MS);
  const members = blocks(8);
  refresh.choose(textOf(members), 0);
  const [first, second, ...rest] = members as [Buffer, Buffer, ...Buffer[]];
  const changed = Buffer.from('changed');
  const { members: chosen } = refresh.choose(textOf([first, changed, ...rest]), 1000);
  assert.ok(chosen.includes(changed));
  assert.ok(!chosen.includes(second));
  const order = [first, changed, ...rest];
  assert.deepEqual(
    chosen.map((member) => order.indexOf(member)),
    chosen.map((member) => order.indexOf(member)).sort((one, other) => one - other),
  );
});

test('whatever the cycles, no block waits for longer than a refresh and the cycle after it', () => {
  const random = randomFrom('refresh');
  const refresh = new Refresh(REFRESH_MS);
  const members = blocks(50);
  const sentMs = new Map<Buffer, number>();
  let now = 0;
  for (let cycle = 0; cycle < 500; cycle++) {
    // Blocks change, are added and are removed.
    if (random.chance(0.3)) members[random.below(members.length)] = Buffer.from(`new in ${cycle}`);
    if (random.chance(0.1)) members.push(Buffer.from(`more in ${cycle}`));
    if (random.chance(0.1) && members.length > 1) members.splice(random.below(members.length), 1);
    for (const member of refresh.choose(textOf(members), now).members) sentMs.set(member, now);
    for (const member of members) {
      const age = now - (sentMs.get(member) ?? Number.NEGATIVE_INFINITY);
      assert.ok(age < REFRESH_MS, `sent ${age} ms ago, at ${now}`);
    }
    // Some cycles are late or missing.
    now += random.chance(0.05) ? 90_000 : 10_000 + random.below(10_000);
  }
});

test('after a pause longer than a refresh everything is due', () => {
  const refresh = new Refresh(REFRESH_MS);
  const members = blocks(10);
  refresh.choose(textOf(members), 0);
  assert.equal(refresh.choose(textOf(members), 61_000).members.length, 10);
});
