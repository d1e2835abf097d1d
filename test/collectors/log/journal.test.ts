import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { expectedEntries, journalBytes, type Printed } from '../../kit/journal.ts';
import { LogGroup, totalOf } from '../../kit/log-group.ts';

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-log-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder with the recorded journal in it. */
function recorded(context: TestContext, format: 'regular' | 'compact' | 'unkeyed' = 'compact'): string {
  const folder = folderOf(context);
  mkdirSync(join(folder, 'aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb'));
  writeFileSync(join(folder, 'aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb', 'system.journal'), journalBytes(format));
  return folder;
}

/** A /proc whose boot id is that of the recorded entries that begin with `boot`. */
function procOf(context: TestContext, boot: string): string {
  const folder = folderOf(context);
  mkdirSync(join(folder, 'sys/kernel/random'), { recursive: true });
  mkdirSync(join(folder, '1'));
  writeFileSync(join(folder, 'sys/kernel/random/boot_id'), `${boot}\n`);
  writeFileSync(join(folder, '1/mountinfo'), '25 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n');
  return folder;
}

const boots = [...new Set(expectedEntries().map((entry) => String(entry._BOOT_ID)))];
/** The entries since the beginning of a boot. */
const of = (boot: string | undefined) =>
  expectedEntries().slice(expectedEntries().findIndex(({ _BOOT_ID }) => _BOOT_ID === boot));
/** The recorded entries are of 2023; the clock of these tests is shortly after. */
const now = () => 1_700_000_200_000;
/** Bytes of the first MESSAGE: journalctl prints values that are not text as numbers, and several values as a list. */
function bytesOf({ MESSAGE }: Printed): number {
  const first = Array.isArray(MESSAGE) && typeof MESSAGE[0] !== 'number' ? MESSAGE[0] : MESSAGE;
  return Array.isArray(first) ? first.length : Buffer.byteLength(String(first ?? ''));
}

for (const format of ['regular', 'compact', 'unkeyed'] as const) {
  test(`${format}: entries are counted by unit, priority and transport as journalctl prints them`, async (context) => {
    const folder = recorded(context, format);
    const [first = ''] = boots;
    const procfs = procOf(context, first);
    const group = await LogGroup.start(
      { journal: { enabled: true, paths: [folder], start: 'boot' } },
      { paths: { procfs }, now },
    );
    const samples = await group.cycle();
    assert.deepEqual(
      group.results.map(({ outcome }) => outcome),
      ['ok'],
    );
    assert.equal(totalOf(samples, 'journal_messages_total'), of(first).length);
    assert.equal(samples.get('journal_entries_lost_total{reason="rotated"}'), 0);
    const sshd = of(first).filter((entry) => entry._SYSTEMD_UNIT === 'sshd.service' && entry.PRIORITY === '3');
    const key = 'journal_messages_total{unit="sshd.service",priority="err",transport="journal"}';
    assert.equal(samples.get(key), sshd.length);
    const bytes = of(first).reduce((sum, entry) => sum + bytesOf(entry), 0);
    assert.equal(totalOf(samples, 'journal_bytes_total'), bytes);
    assert.equal(samples.get('journal_lag_seconds'), 0);
    group.stop();
  });
}

test('volatile units are counted together, and unit state changes reported by systemd are events', async (context) => {
  const group = await LogGroup.start(
    { journal: { enabled: true, paths: [recorded(context)], start: 'boot' } },
    { paths: { procfs: procOf(context, boots[0] ?? '') }, now },
  );
  const samples = await group.cycle();
  const units = new Set([...samples.keys()].map((key) => /^journal_messages_total\{unit="([^"]*)"/.exec(key)?.[1]));
  assert.ok(
    [...units].some((unit) => unit?.includes('*')),
    [...units].join(' '),
  );
  assert.ok(![...units].some((unit) => /[0-9a-f]{12}/.test(unit ?? '')), [...units].join(' '));
  const started = of(boots[0]).filter((entry) => entry.MESSAGE_ID === '39f53479d3a045ac8e11786248231fbf');
  assert.ok(started.length > 0);
  const others = (key: string) => key.startsWith('systemd_unit_events_total') && !key.includes('"started"');
  const events = new Map([...samples].filter(([key]) => !others(key)));
  assert.equal(totalOf(events, 'systemd_unit_events_total'), started.length);
  group.stop();
});

test('rules count by unit, priority, field and expression, with groups as labels', async (context) => {
  const group = await LogGroup.start(
    {
      journal: {
        enabled: true,
        paths: [recorded(context)],
        start: 'boot',
        rules: [
          { name: 'numbered', unit: 'sshd.service', pattern: 'priority (?P<number>\\d)' },
          { name: 'urgent', priority: 'err', match: { SYSLOG_IDENTIFIER: 'sshd' } },
          { name: 'never', pattern: 'no entry matches' },
        ],
      },
    },
    { paths: { procfs: procOf(context, boots[0] ?? '') }, now },
  );
  const samples = await group.cycle();
  for (let number = 0; number < 8; number++) {
    assert.equal(samples.get(`journal_matches_total{rule="numbered",number="${number}"}`), 1);
  }
  const urgent = of(boots[0]).filter((entry) => entry.SYSLOG_IDENTIFIER === 'sshd' && Number(entry.PRIORITY) <= 3);
  assert.equal(samples.get('journal_matches_total{rule="urgent"}'), urgent.length);
  assert.equal(samples.get('journal_matches_total{rule="never"}'), 0);
  group.stop();
});

test('a restart resumes the counts, counts nothing twice, and a start with now counts nothing old', async (context) => {
  const folder = recorded(context);
  const state = folderOf(context);
  const options = { folder: state, paths: { procfs: procOf(context, boots[0] ?? '') }, now };
  const sections = { journal: { enabled: true, paths: [folder], start: 'boot' as const } };
  let group = await LogGroup.start(sections, options);
  const before = await group.cycle();
  group.stop();
  group = await LogGroup.start(sections, options);
  assert.deepEqual(await group.cycle(), before);
  group.stop();
  const fresh = await LogGroup.start({ journal: { enabled: true, paths: [folder] } }, { now });
  assert.equal(totalOf(await fresh.cycle(), 'journal_messages_total'), 0);
  fresh.stop();
});

test('a state file that is damaged or of a newer version is set aside, and the loss is reported', async (context) => {
  const folder = recorded(context);
  const options = { paths: { procfs: procOf(context, boots[0] ?? '') }, now };
  const sections = { journal: { enabled: true, paths: [folder], start: 'boot' as const } };
  const damages: Readonly<Record<string, (file: string) => string>> = {
    cut: (file) => file.slice(0, file.length / 2),
    changed: (file) => file.replace('sshd.service', 'sshD.service'),
    'of version 2': (file) => file.replace('firesteel-state 1', 'firesteel-state 2'),
    empty: () => '',
  };
  for (const [name, damage] of Object.entries(damages)) {
    const state = folderOf(context);
    const path = join(state, 'log-state');
    const first = await LogGroup.start(sections, { ...options, folder: state });
    await first.cycle();
    first.stop();
    writeFileSync(path, damage(readFileSync(path, 'utf8')));
    const group = await LogGroup.start(sections, { ...options, folder: state });
    const samples = await group.cycle();
    assert.equal(totalOf(samples, 'journal_messages_total'), of(boots[0]).length, name);
    assert.match(group.results[0]?.errors[0]?.message ?? '', /log-state ignored: .*renamed to/, name);
    assert.ok(readFileSync(`${path}.bad`, 'utf8') !== undefined);
    await group.cycle();
    assert.deepEqual(group.results[0]?.errors, []);
    group.stop();
  }
});

test('without a journal there is no data, and a file of a newer format is an error that says so', async (context) => {
  const folder = folderOf(context);
  let group = await LogGroup.start({ journal: { enabled: true, paths: [join(folder, 'none')] } });
  await group.cycle();
  assert.equal(group.results[0]?.outcome, 'nodata');
  assert.match(group.results[0]?.reason ?? '', /no journal found in .*none; mount it/);
  group.stop();
  const content = journalBytes('regular');
  content.writeUInt32LE(content.readUInt32LE(12) | 128, 12);
  writeFileSync(join(folder, 'system.journal'), content);
  group = await LogGroup.start({ journal: { enabled: true, paths: [folder] } });
  await group.cycle();
  assert.equal(group.results[0]?.outcome, 'fault');
  assert.match(group.results[0]?.reason ?? '', /system\.journal: unsupported features/);
  group.stop();
});

test('a state that cannot be saved is a loss, but the counts are exposed', async (context) => {
  const folder = recorded(context);
  const state = folderOf(context);
  writeFileSync(join(state, 'file'), '');
  const group = await LogGroup.start(
    { journal: { enabled: true, paths: [folder], start: 'boot' } },
    { folder: join(state, 'file'), paths: { procfs: procOf(context, boots[0] ?? '') }, now },
  );
  const samples = await group.cycle();
  assert.equal(group.results[0]?.outcome, 'partial');
  assert.equal(totalOf(samples, 'journal_messages_total'), of(boots[0]).length);
  group.stop();
  chmodSync(state, 0o700);
});

test('start: boot begins with the current boot of this host, and no earlier than maxAge', async (context) => {
  const [, second = ''] = boots;
  const paths = { procfs: procOf(context, second) };
  const journal = { enabled: true, paths: [recorded(context)], start: 'boot' as const };
  const count = async (maxAge: string) => {
    const group = await LogGroup.start({ journal: { ...journal, maxAge } }, { paths, now });
    const samples = await group.cycle();
    group.stop();
    return totalOf(samples, 'journal_messages_total');
  };
  assert.ok(of(second).length > 0 && of(second).length < 64);
  assert.equal(await count('1h'), of(second).length);
  const limit = (now() - 140_000) * 1000;
  assert.equal(await count('140s'), of(second).filter((entry) => Number(entry.__REALTIME_TIMESTAMP) >= limit).length);
});

test('a reload keeps counts and position; a new rule begins then', async (context) => {
  const folder = recorded(context);
  const journal = { enabled: true, paths: [folder], start: 'boot' as const };
  const options = { folder: folderOf(context), paths: { procfs: procOf(context, boots[0] ?? '') }, now };
  const group = await LogGroup.start({ journal }, options);
  const before = await group.cycle();
  await group.configure({
    journal: { ...journal, rules: [{ name: 'new', unit: 'sshd.service' }] },
    kernel: { enabled: true },
  });
  const after = await group.cycle();
  for (const [key, value] of before) assert.equal(after.get(key), value, key);
  assert.equal(after.get('journal_matches_total{rule="new"}'), 0);
  await group.configure({ journal });
  assert.deepEqual(await group.cycle(), before);
  group.stop();
});

test('when all journal files are removed the counts stay', async (context) => {
  const folder = recorded(context);
  const sections = { journal: { enabled: true, paths: [folder], start: 'boot' as const } };
  const group = await LogGroup.start(sections, { paths: { procfs: procOf(context, boots[0] ?? '') }, now });
  const before = await group.cycle();
  rmSync(folder, { recursive: true });
  assert.deepEqual(await group.cycle(), before);
  assert.equal(group.results[0]?.outcome, 'ok');
  group.stop();
});
