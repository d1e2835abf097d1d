import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endedSeries } from '../../src/scrape/ended-series.ts';
import { PackedLines } from '../../src/scrape/packed-lines.ts';

async function membersOf(keys: readonly string[], value: number): Promise<readonly Buffer[]> {
  const packed = new PackedLines();
  for (const key of keys) packed.lines.add(Buffer.from(`${key} ${value} 1.70000000000005e12\n`).toString('latin1'));
  await packed.close(keys.length);
  return packed.members;
}

const CASES: readonly (readonly [
  what: string,
  before: string[],
  now: string[],
  added: number,
  ended: string[],
  re: number,
])[] = [
  ['nothing', ['a{x="1"}', 'b{}'], ['b{}', 'a{x="1"}'], 0, [], 0],
  ['one', ['a{x="1"}', 'a{x="2"}', 'b{}'], ['a{x="2"}', 'b{}'], 0, ['a{x="1"}'], 0],
  ['one, and a new one appears', ['a{x="1"}'], ['a{x="2"}'], 1, ['a{x="1"}'], 0],
  ['nothing: labels in another order', ['a{x="1",y="ü,}"}', 'b{}'], ['a{y="ü,}",x="1"}', 'c{}'], 2, ['b{}'], 1],
  ['swapped values', ['a{x="1",y="2"}'], ['a{x="2",y="1"}'], 1, ['a{x="1",y="2"}'], 0],
  ['quotes', ['a{x="q\\"u\\\\",y="\\n"}'], ['a{y="\\n",x="q\\"u\\\\"}'], 1, [], 1],
];

for (const [what, before, now, added, ended, reordered] of CASES) {
  test(`what ends with a page: ${what}`, async () => {
    const found = await endedSeries(await membersOf(before, 1), await membersOf(now, 2), added);
    assert.deepEqual(found, { keys: ended, reordered });
  });
}
