import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cursorText } from '../../../src/host/journal/cursor.ts';
import type { EntryPosition } from '../../../src/host/journal/entry.ts';
import { UnsupportedJournal } from '../../../src/host/journal/header.ts';
import type { JournalFile } from '../../../src/host/journal/journal-file.ts';
import {
  allEntries,
  expectedEntries,
  FORMATS,
  journalBytes,
  openBytes,
  type Printed,
  usedBytes,
} from '../../kit/journal.ts';
import { randomFrom } from '../../kit/random.ts';

/** Cursors contain the id of their own file. */
const withoutSeries = (entries: readonly Printed[]) =>
  entries.map((entry) => ({ ...entry, __CURSOR: String(entry.__CURSOR).replace(/^s=[0-9a-f]+/, 's=') }));

/** A short form of an entry: comparing the output of journalctl would take most of the time for 10,000 files. */
function textOf(file: JournalFile, entry: EntryPosition): string {
  const fields = file.fields(entry).map(({ name, latin1 }) => `${name}=${latin1}`);
  return [cursorText(entry), ...fields].join('\n');
}

/** The readable entries, with undefined instead of the others. */
function textsOf(file: JournalFile): (string | undefined)[] {
  return Array.from({ length: file.entries }, (_, index) => {
    const entry = file.entry(index);
    return entry && textOf(file, entry);
  });
}

const lostFields = ({ damage }: JournalFile) => Object.values(damage.fields).reduce((sum, count) => sum + count, 0);

for (const format of FORMATS) {
  test(`${format}: every entry is what journalctl prints`, () => {
    const file = openBytes(journalBytes(format));
    assert.deepEqual(withoutSeries(allEntries(file)), withoutSeries(expectedEntries()));
    assert.deepEqual(file.damage, { entries: 0, fields: { corrupt: 0, unsupported: 0, 'too large': 0 } });
  });

  test(`${format}: a search finds an entry by sequence number and by time`, () => {
    const file = openBytes(journalBytes(format));
    for (let index = 0; index < file.entries; index++) {
      const entry = file.entry(index);
      assert.ok(entry);
      assert.equal(
        file.search(({ seqnum }) => seqnum < entry.seqnum),
        index,
      );
      assert.ok(file.search(({ realtime }) => realtime < entry.realtime) <= index);
    }
    assert.equal(
      file.search(() => true),
      file.entries,
    );
  });

  test(`${format}: truncated at every 4 KiB, it yields complete entries or a reported problem`, () => {
    const whole = journalBytes(format);
    const expected = new Set(textsOf(openBytes(whole)));
    for (let length = 0; length <= whole.length; length += 4096) {
      const cut = whole.subarray(0, length);
      if (length < 208) {
        assert.throws(() => openBytes(cut), UnsupportedJournal);
        continue;
      }
      const file = openBytes(cut);
      for (let index = 0; index < file.entries; index++) {
        const entry = file.entry(index);
        const before = lostFields(file);
        const text = entry && textOf(file, entry);
        if (entry === undefined || lostFields(file) > before) continue;
        assert.ok(expected.has(text), `cut at ${length}, entry ${index}`);
      }
    }
  });

  test(`${format}: a damaged entry is lost alone`, () => {
    const whole = journalBytes(format);
    const expected = allEntries(openBytes(whole));
    for (let index = 0; index < expected.length; index++) {
      const entry = openBytes(whole).entry(index);
      assert.ok(entry);
      const damaged = Buffer.from(whole);
      damaged[entry.offset] = 99;
      assert.deepEqual(allEntries(openBytes(damaged)), expected.toSpliced(index, 1), `entry ${index}`);
    }
  });

  test(`${format}: without its arrays the entries are still found`, () => {
    const whole = journalBytes(format);
    const expected = allEntries(openBytes(whole));
    const damaged = Buffer.from(whole);
    damaged.writeBigUInt64LE(8n, 176);
    assert.deepEqual(allEntries(openBytes(damaged)), expected);
    const second = Buffer.from(whole);
    const first = Number(whole.readBigUInt64LE(176));
    // The link to the second array: 4, 8, 16, … entries are in one.
    second.writeBigUInt64LE(BigInt(first), first + 16);
    assert.deepEqual(allEntries(openBytes(second)), expected);
  });

  test(`${format}: 3,500 random bit flips are handled in bounded time, and most entries remain`, () => {
    const random = randomFrom(`journal ${format}`);
    const whole = journalBytes(format);
    const used = usedBytes(whole);
    const expected = new Set(textsOf(openBytes(whole)));
    let kept = 0;
    let opened = 0;
    // One copy for all rounds: the changes are undone after each, as copying 4 MB takes longer than reading it.
    const changed = Buffer.from(whole.subarray(0, used));
    const flip = ([at, mask]: readonly [number, number]) => {
      changed[at] = (changed[at] as number) ^ mask;
    };
    const started = performance.now();
    for (let round = 0; round < 3500; round++) {
      const flips = Array.from(
        { length: 1 + random.below(8) },
        () => [random.below(used), 1 << random.below(8)] as const,
      );
      flips.forEach(flip);
      try {
        const file = openBytes(changed);
        if (file.entries > 64) continue;
        opened++;
        for (const text of textsOf(file)) if (text !== undefined && expected.has(text)) kept++;
        file.search(({ realtime }) => realtime < 1_700_000_030_000_000);
      } catch (cause) {
        assert.ok(cause instanceof UnsupportedJournal, String(cause));
      } finally {
        flips.forEach(flip);
      }
    }
    assert.ok(changed.equals(whole.subarray(0, used)));
    assert.ok(opened > 2500, `${opened} could be opened`);
    assert.ok(kept / opened > 50, `${(kept / opened).toFixed(1)} of 64 entries remain on average`);
    assert.ok(performance.now() - started < 60_000);
  });
}

test('unknown flags are refused by name', () => {
  const content = journalBytes('regular');
  content.writeUInt32LE(content.readUInt32LE(12) | 64, 12);
  assert.throws(() => openBytes(content), { message: /unsupported features.*0x40/ });
});

test('fields of older systemd: lz4 is decoded; xz is counted, and only that field is missing', () => {
  assert.deepEqual(withoutSeries(allEntries(openBytes(journalBytes('lz4')))), withoutSeries(expectedEntries()));
  const file = openBytes(journalBytes('xz'));
  const entries = allEntries(file);
  assert.equal(entries.length, 64);
  assert.ok(file.damage.fields.unsupported > 0);
  const whole = expectedEntries();
  let less = 0;
  for (const [index, entry] of withoutSeries(entries).entries()) {
    const expected = withoutSeries(whole)[index] as Printed;
    for (const [name, value] of Object.entries(entry)) assert.deepEqual(value, expected[name]);
    less += Object.keys(expected).length - Object.keys(entry).length;
  }
  assert.equal(less, file.damage.fields.unsupported);
});
