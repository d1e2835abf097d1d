import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { ThrottledLog } from '../../../src/base/log.ts';
import type { AddressedBatch } from '../../../src/exporters/exporter.ts';
import { crc32c } from '../../../src/exporters/spool/crc32c.ts';
import { Spool } from '../../../src/exporters/spool/spool.ts';
import type { SpoolOptions } from '../../../src/exporters/spool/spool-options.ts';
import { scratchFolder } from '../../kit/host-tree.ts';

const target = { job: 'node-exporter', instance: 'n1', labels: { cluster: 'prod' } };

const batch = (stampMs: number, bytes = 1000): AddressedBatch => ({
  group: 'node',
  target,
  stampMs,
  encoding: 'zstd',
  members: [Buffer.alloc(bytes - 10, stampMs % 256), Buffer.alloc(10, 1)],
  textBytes: 5 * bytes,
  samples: 7,
});

/** A spool in `folder` and its log. */
function spoolIn(t: TestContext, folder: string, options: Partial<SpoolOptions> = {}) {
  const dropped: Record<string, number> = {};
  const reported = { aside: 0, unknown: 0, log: [] as string[] };
  const spool = new Spool({
    folder,
    maxBytes: 2 ** 20,
    maxWaitingBytes: 2 ** 16,
    maxAgeMs: 60_000,
    now: () => 10_000,
    log: new ThrottledLog(pino({}, { write: (line: string) => reported.log.push(line) })),
    onDrop: (reason, samples) => {
      dropped[reason] = (dropped[reason] ?? 0) + (samples ?? 0);
      if (samples === undefined) reported.unknown++;
    },
    onSetAside: () => reported.aside++,
    ...options,
  });
  t.after(() => spool.close());
  return { spool, dropped, reported };
}

/** The file with some bits of one byte flipped. */
function changed(file: Buffer, place: number, bits: number): Buffer {
  file.writeUInt8((file[place] ?? 0) ^ bits, place);
  return file;
}

const filesOf = (folder: string) => readdirSync(folder).filter((name) => name !== 'lock');

test('CRC-32C has the check value of its catalogue, in one piece and in two', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.equal(crc32c(Buffer.from('56789'), crc32c(Buffer.from('1234'))), 0xe3069283);
});

test('batches survive the process, and are returned unchanged, oldest first', async (t) => {
  const folder = join(scratchFolder(t), 'spool', 'vm');
  const first = spoolIn(t, folder);
  assert.equal(await first.spool.open(), true);
  for (const stamp of [3000, 1000, 2000]) await first.spool.put(batch(stamp));
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  for (const file of filesOf(folder)) assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600);
  await first.spool.close();
  writeFileSync(join(folder, '.tmp-half'), 'half a batch');

  const { spool, dropped } = spoolIn(t, folder);
  await spool.open();
  const { bodies, oldestStampMs } = spool.sizes;
  assert.deepEqual([bodies, oldestStampMs, filesOf(folder).length], [3, 1000, 3]);
  const seen: AddressedBatch[] = [];
  for (let entry = await spool.oldest(); entry; entry = await spool.oldest()) {
    const stored = await spool.read(entry);
    if (stored) seen.push(stored);
    await spool.remove(entry);
  }
  assert.deepEqual(seen, [batch(1000), batch(2000), batch(3000)]);
  assert.deepEqual([filesOf(folder), spool.sizes.bytes, dropped], [[], 0, {}]);
});

test('the oldest batches are dropped above the size limit, and those that are too old', async (t) => {
  const folder = scratchFolder(t);
  let nowMs = 10_000;
  const { spool, dropped } = spoolIn(t, folder, { maxBytes: 4000, now: () => nowMs });
  await spool.open();
  for (const stamp of [1000, 2000, 3000, 4000]) await spool.put(batch(stamp));
  assert.deepEqual([spool.sizes.bodies, spool.sizes.oldestStampMs, dropped], [3, 2000, { spool_full: 7 }]);
  assert.ok(spool.sizes.bytes <= 4000);
  await spool.put(batch(5000, 5000));
  assert.equal(dropped.spool_full, 14, 'one that can never fit');
  nowMs = 63_500;
  assert.equal((await spool.oldest())?.stampMs, 4000);
  assert.deepEqual([dropped.too_old, filesOf(folder).length], [14, 1]);
});

test('damaged files and those of a newer version are set aside and counted', async (t) => {
  const folder = scratchFolder(t);
  const first = spoolIn(t, folder);
  await first.spool.open();
  for (const stamp of [1000, 2000, 3000, 4000, 5000]) await first.spool.put(batch(stamp));
  await first.spool.close();
  const change = (index: number, edit: (file: Buffer) => Buffer) => {
    const path = join(folder, filesOf(folder).sort()[index] ?? '');
    writeFileSync(path, edit(readFileSync(path)));
  };
  change(0, (file) => file.subarray(0, 500));
  change(1, (file) => changed(file, 5, 3));
  change(2, (file) => changed(file, 30, 1));
  change(3, (file) => changed(file, file.length - 1, 1));

  const { spool, dropped, reported } = spoolIn(t, folder);
  await spool.open();
  assert.deepEqual([spool.sizes.bodies, reported.aside], [2, 3]);
  const damaged = await spool.oldest();
  assert.ok(damaged);
  assert.equal(await spool.read(damaged), undefined);
  // The first was truncated after its description; two others do not contain their number of samples.
  assert.deepEqual([reported.aside, reported.unknown, dropped], [4, 2, { spool_corrupt: 14 }]);
  assert.equal((await spool.oldest())?.stampMs, 5000);
  assert.equal(filesOf(folder).filter((name) => name.endsWith('.bad')).length, 4);
  assert.match(reported.log[0] ?? '', /size of 500 bytes does not match its header|written in format version 2/);
});

test('files set aside do not accumulate', async (t) => {
  const folder = scratchFolder(t);
  for (let index = 10; index < 30; index++)
    writeFileSync(join(folder, `0000000000000${index}-node-1-1.body`), 'nonsense');
  const { spool, reported } = spoolIn(t, folder);
  await spool.open();
  assert.equal(reported.aside, 20);
  assert.equal(filesOf(folder).length, 8);
});

test('a folder belongs to one process at a time, and is free when that has ended or was killed', async (t) => {
  const folder = scratchFolder(t);
  const first = spoolIn(t, folder);
  const second = spoolIn(t, folder);
  assert.equal(await first.spool.open(), true);
  assert.equal(await second.spool.open(), false);
  await second.spool.put(batch(1000));
  assert.deepEqual(second.dropped, { no_spool: 7 });
  await first.spool.close();
  assert.equal(await second.spool.open(), true);
  await second.spool.close();
  // A socket file without a listener, as left by a killed process.
  const code = `require('node:net').createServer().listen(${JSON.stringify(join(folder, 'lock'))}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', code], { timeout: 120_000 });
  assert.deepEqual(readdirSync(folder), ['lock']);
  assert.equal(await first.spool.open(), true);
});

test('a full disk loses the oldest batches, and the spool continues', async (t) => {
  const folder = join(scratchFolder(t), 'disk');
  mkdirSync(folder);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { encoding: 'utf8' });
  if (mounted.status !== 0) {
    t.skip(`a tmpfs cannot be mounted here, which requires root: ${mounted.stderr}`);
    return;
  }
  try {
    await fillUp(t, folder);
  } finally {
    spawnSync('umount', ['-l', folder]);
  }
});

async function fillUp(t: TestContext, folder: string): Promise<void> {
  const { spool, dropped, reported } = spoolIn(t, folder);
  await spool.open();
  const batches = 40;
  for (let stamp = 1; stamp <= batches; stamp++) await spool.put(batch(stamp, 5000));
  const kept = spool.sizes.bodies;
  assert.ok(kept >= 5 && kept <= 12, `${kept} batches kept`);
  assert.equal(spool.sizes.oldestStampMs, batches - kept + 1);
  assert.deepEqual(dropped, { disk_full: 7 * (batches - kept) });
  assert.match(reported.log.join(''), /ENOSPC.*dropping the oldest batches/);
  const last = await spool.oldest();
  assert.ok(last && (await spool.read(last)));
}
