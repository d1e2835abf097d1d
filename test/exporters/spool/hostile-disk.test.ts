import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import * as files from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { ThrottledLog } from '../../../src/base/log.ts';
import type { AddressedBatch } from '../../../src/exporters/exporter.ts';
import { Disk, type DiskIo, DiskStalled, stuckOperations } from '../../../src/exporters/spool/disk.ts';
import { lockFolder } from '../../../src/exporters/spool/lock.ts';
import { Spool } from '../../../src/exporters/spool/spool.ts';
import type { SpoolOptions } from '../../../src/exporters/spool/spool-options.ts';
import { scratchFolder } from '../../kit/host-tree.ts';

const SAMPLES = 7;

const batch = (stampMs: number, bytes = 1000): AddressedBatch => ({
  group: 'node',
  target: { job: 'node-exporter', instance: 'n1', labels: {} },
  stampMs,
  encoding: 'zstd',
  members: [Buffer.alloc(bytes, stampMs % 256)],
  textBytes: 5 * bytes,
  samples: SAMPLES,
});

function spoolIn(t: TestContext, folder: string, options: Partial<SpoolOptions> = {}) {
  const dropped: Record<string, number> = {};
  const lines: string[] = [];
  const spool = new Spool({
    folder,
    maxBytes: 2 ** 20,
    maxWaitingBytes: 10_000,
    maxAgeMs: 60_000,
    now: () => 10_000,
    log: new ThrottledLog(pino({}, { write: (line: string) => lines.push(line) })),
    onDrop: (reason, samples = 0) => {
      dropped[reason] = (dropped[reason] ?? 0) + samples;
    },
    onSetAside: () => undefined,
    ...options,
  });
  t.after(() => spool.close());
  return { spool, dropped, lines };
}

/** A disk on which one kind of operation can be stalled and resumed. */
function stallingDisk(kind: keyof DiskIo, deadlineMs = 50) {
  let gate: PromiseWithResolvers<void> | undefined;
  const { lstat, mkdir, open, readdir, rename, unlink } = files;
  const real: DiskIo = { lstat, mkdir, open, readdir, rename, unlink };
  const io = {
    ...real,
    [kind]: async (...args: unknown[]) => {
      await gate?.promise;
      return (real[kind] as (...all: unknown[]) => unknown)(...args);
    },
  } as DiskIo;
  return {
    disk: new Disk({ io, deadlineMs }),
    stall: () => {
      gate = Promise.withResolvers();
    },
    release: () => {
      gate?.resolve();
      gate = undefined;
    },
  };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 3000, `no success after ${tries} tries: ${what}`);
    await sleep(20);
  }
}

const ODD: Readonly<Record<string, (path: string) => void>> = {
  'a folder': (path) => mkdirSync(path),
  'a folder that is not empty': (path) => mkdirSync(join(path, 'inside'), { recursive: true }),
  'a link that leads nowhere': (path) => symlinkSync('/nowhere', path),
  'a link to a file': (path) => symlinkSync('/etc/hostname', path),
  'a link to a device that never ends': (path) => symlinkSync('/dev/zero', path),
  'a link to itself': (path) => symlinkSync(path, path),
  'a pipe': (path) => assert.equal(spawnSync('mkfifo', [path]).status, 0),
};

for (const [what, make] of Object.entries(ODD)) {
  for (const name of ['c.body', '.tmp-x', 'lock', '000000000003000-node-1-1.body']) {
    test(`${what} named ${name} does not make the spool unusable`, { timeout: 120_000 }, async (t) => {
      const folder = scratchFolder(t);
      const first = spoolIn(t, folder);
      assert.equal(await first.spool.open(), true);
      await first.spool.put(batch(1000));
      await first.spool.close();
      make(join(folder, name));
      const { spool, dropped } = spoolIn(t, folder);
      assert.equal(await spool.open(), true);
      await spool.put(batch(2000));
      assert.deepEqual([spool.sizes.bodies, spool.sizes.trouble, dropped], [2, undefined, {}]);
      const oldest = await spool.oldest();
      assert.equal(oldest && (await spool.read(oldest))?.stampMs, 1000);
      // Links and pipes named as temporary files are removed like those; everything else is left in place.
      const isGone = name === '.tmp-x' && !what.startsWith('a folder');
      assert.equal(spool.sizes.foreign, isGone || name === 'lock' ? 0 : 1);
    });
  }
}

test('a folder that the disk opens only after the deadline is closed again', async (t) => {
  const folder = scratchFolder(t);
  const { disk, stall, release } = stallingDisk('open');
  stall();
  await assert.rejects(lockFolder(disk, folder), DiskStalled);
  release();
  await until('the folder is opened', () => disk.stalled === undefined);
  const openPaths = () =>
    readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return '';
      }
    });
  await until('it is closed', () => !openPaths().includes(folder));
});

test('a batch replaced by another process loses only itself', async (t) => {
  const folder = scratchFolder(t);
  const { spool, dropped } = spoolIn(t, folder);
  await spool.open();
  for (const stamp of [1000, 2000, 3000]) await spool.put(batch(stamp));
  const [pipe = '', large = ''] = readdirSync(folder).filter((name) => name.endsWith('.body'));
  await files.unlink(join(folder, pipe));
  spawnSync('mkfifo', [join(folder, pipe)]);
  await files.truncate(join(folder, large), 2 ** 30);
  for (let left = 2; left > 0; left--) {
    const entry = await spool.oldest();
    assert.ok(entry);
    assert.equal(await spool.read(entry), undefined);
  }
  const rest = await spool.oldest();
  assert.equal(rest && (await spool.read(rest))?.stampMs, 3000);
  assert.deepEqual(dropped, { spool_corrupt: 2 * SAMPLES });
});

test('an inaccessible folder is reported with advice, and used as soon as it is accessible', async (t) => {
  const folder = join(scratchFolder(t), 'spool');
  writeFileSync(folder, 'in the way');
  const { spool, lines } = spoolIn(t, folder);
  assert.equal(await spool.open(), false);
  assert.match(spool.sizes.trouble ?? '', /EEXIST|ENOTDIR/);
  assert.match(lines.join(), /check the folder/);
  await files.unlink(folder);
  assert.equal(await spool.open(), true);
  assert.equal(spool.sizes.trouble, undefined);
});

for (const kind of ['open', 'rename'] as const) {
  test(`a disk whose ${kind} stalls: waiting batches are bounded and counted, and go to disk when it responds`, async (t) => {
    const { disk, stall, release } = stallingDisk(kind);
    t.after(release);
    const { spool, dropped, lines } = spoolIn(t, scratchFolder(t), { disk });
    assert.equal(await spool.open(), true);
    await spool.put(batch(1000));
    stall();
    const puts = Array.from({ length: 20 }, (_, index) => spool.put(batch(2000 + index)));
    await until('the stall is detected', () => spool.sizes.trouble !== undefined);
    assert.match(spool.sizes.trouble ?? '', /does not respond/);
    const { bodies, bytes } = spool.sizes;
    assert.equal(bodies, 1 + 10, 'one on disk, and ten of 1000 bytes in memory');
    assert.ok(bytes > 10_000 && bytes < 13_000, `${bytes} bytes`);
    assert.deepEqual(dropped, { disk_stalled: 10 * SAMPLES });
    assert.equal(stuckOperations(), 1);
    assert.equal(await spool.oldest(), undefined);
    assert.match(lines.join(), /keeping queued batches in memory/);
    release();
    await Promise.all(puts);
    await until('the disk is back', () => spool.sizes.trouble === undefined);
    assert.equal(stuckOperations(), 0);
    assert.deepEqual([spool.sizes.bodies, (await spool.oldest())?.stampMs], [11, 1000]);
    assert.deepEqual(dropped, { disk_stalled: 10 * SAMPLES });
  });
}

test('a disk that stalls while the folder is read: new batches wait in memory, and are written when it responds', async (t) => {
  const { disk, stall, release } = stallingDisk('readdir');
  t.after(release);
  const { spool, dropped } = spoolIn(t, scratchFolder(t), { disk });
  stall();
  const opened = spool.open();
  const put = spool.put(batch(1000));
  assert.equal(spool.sizes.bodies, 1);
  assert.equal(await opened, false);
  assert.equal(await spool.open(), false, 'no further requests while it hangs');
  release();
  await until('it is ours', () => spool.sizes.trouble !== 'the disk does not respond');
  assert.equal(await spool.open(), true);
  await put;
  assert.deepEqual([spool.sizes.bodies, dropped], [1, {}]);
});

test('the shutdown does not wait for a stalled disk: unwritten batches are dropped and counted', async (t) => {
  const { disk, stall, release } = stallingDisk('open', 60_000);
  t.after(release);
  const { spool, dropped } = spoolIn(t, scratchFolder(t), { disk });
  await spool.open();
  stall();
  const before = spool.put(batch(1000));
  const started = performance.now();
  spool.hurry(100);
  await before;
  await spool.put(batch(2000));
  await spool.close();
  assert.ok(performance.now() - started < 20_000);
  assert.deepEqual(dropped, { disk_stalled: 2 * SAMPLES });
});
