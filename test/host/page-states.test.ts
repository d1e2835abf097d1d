import assert from 'node:assert/strict';
import { endianness } from 'node:os';
import { test } from 'node:test';
import { pagesToRelease } from '../../src/host/page-states.ts';

/** Flags in the highest byte of an entry of pagemap. */
const OF_FILE = 0xa0;
const CHANGED = 0x80;
const SWAPPED_FILE = 0x60;
const ABSENT = 0;

const PARTS = 4;
const WINDOW = 16;
const FLAGS_AT = endianness() === 'LE' ? 7 : 0;

/** Entries of pagemap; the other bytes hold anything. */
function pagemap(flags: readonly number[]): Uint8Array {
  const entries = new Uint8Array(flags.length * 8).fill(0xff);
  for (const [page, flag] of flags.entries()) entries[page * 8 + FLAGS_AT] = flag;
  return entries;
}

const all = (flag: number, pages = WINDOW) => Array.from({ length: pages }, () => flag);

/** What is released of a window whose pages have these flags. */
const released = (flags: readonly number[], states: Uint8Array, part: number | 'all', first = 0, pageBytes = 4096) =>
  pagesToRelease({ entries: pagemap(flags), states, first, pageBytes }, part);

/** Pages of a window that are mapped after a number of passes; a use of any of `used` maps the whole window. */
function mappedAfter(passes: number, used: readonly number[]): number[] {
  const states = new Uint8Array(WINDOW);
  let isMapped = all(1).map(() => true);
  for (let pass = 0; pass < passes; pass++) {
    const flags = isMapped.map((mapped) => (mapped ? OF_FILE : ABSENT));
    for (const [from, to] of released(flags, states, pass % PARTS)) isMapped.fill(false, from, to);
    if (used.some((page) => !isMapped[page])) isMapped = isMapped.map(() => true);
  }
  return isMapped.flatMap((mapped, page) => (mapped ? [page] : []));
}

test('only the parts that are used stay mapped', () => {
  assert.deepEqual(mappedAfter(PARTS + 1, [6, 13]), [4, 5, 6, 7, 12, 13, 14, 15]);
  assert.deepEqual(mappedAfter(5 * PARTS + 1, [6, 13]), [4, 5, 6, 7, 12, 13, 14, 15]);
  assert.deepEqual(mappedAfter(PARTS, []), []);
  assert.equal(mappedAfter(1, [5]).length, WINDOW - 4, 'the first pass tests one part');
});

test('all pages can be released at once, and those not mapped again are known to be unused', () => {
  const states = new Uint8Array(WINDOW);
  assert.deepEqual(released(all(OF_FILE), states, 'all'), [[0, WINDOW]]);
  assert.deepEqual(released(all(ABSENT), states, 0), []);
  assert.deepEqual(released(all(OF_FILE), states, 1), [[0, WINDOW]], 'a neighbour has brought all back');
});

test('the parts begin at multiples of 64 KiB of the address space, wherever the mapping begins', () => {
  assert.deepEqual(released(all(OF_FILE, 20), new Uint8Array(20), 0, 13), [
    [3, 7],
    [19, 20],
  ]);
});

test('unused pages that a neighbour has brought back are released together with the next part', () => {
  const states = new Uint8Array(WINDOW);
  assert.deepEqual(released(all(OF_FILE), states, 0), [[0, 4]]);
  assert.deepEqual(released([...all(ABSENT, 4), ...all(OF_FILE, 12)], states, 1), [[4, 8]]);
  assert.deepEqual(released(all(OF_FILE), states, 3), [
    [0, 4],
    [12, WINDOW],
  ]);
});

test('a page that was unused once stays when it is used in a later test', () => {
  const states = new Uint8Array(WINDOW);
  released(all(OF_FILE), states, 0);
  released(all(ABSENT), states, 1);
  assert.deepEqual(released(all(OF_FILE), states, 0), [[0, 4]]);
  assert.deepEqual(released(all(OF_FILE), states, 1), [[4, 8]]);
});

test('a page that this process has changed is never released, nor a range around it', () => {
  for (const kept of [CHANGED, SWAPPED_FILE]) {
    const states = new Uint8Array(WINDOW);
    assert.deepEqual(released(all(kept), states, 'all'), []);
    const around = all(OF_FILE).with(5, kept);
    assert.deepEqual(released(around, states, 'all'), [
      [0, 5],
      [6, WINDOW],
    ]);
  }
});

test('pages that are not mapped do not divide a range', () => {
  assert.deepEqual(released([ABSENT, OF_FILE, ABSENT, OF_FILE, ABSENT], new Uint8Array(5), 'all'), [[1, 4]]);
});

test('with larger pages, every page is tested in one of the passes', () => {
  for (const pageBytes of [16384, 65536]) {
    const tested = [...Array(PARTS).keys()].flatMap((part) =>
      released(all(OF_FILE, 4), new Uint8Array(4), part, 3, pageBytes),
    );
    assert.deepEqual(
      tested.toSorted().flatMap(([from, to]) => [...Array(to - from).keys()].map((page) => from + page)),
      [0, 1, 2, 3],
    );
  }
});
