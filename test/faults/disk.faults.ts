import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { serverAvailable } from '../kit/servers.ts';
import { Scene, type SceneOptions, summary } from './scene.ts';

const LIMIT_BYTES = 2 ** 20;
/** A cycle has about 20 kB with this number of series, and 1 MiB holds 50 of them. */
const SERIES = 5000;
const DOWN_CYCLES = 70;

suite('a spool that is full', { concurrency: true, timeout: 600_000 }, () => {
  test('a full disk of 1 MiB loses the oldest batches, each counted', async (t) => {
    const disk = smallDisk(t);
    if (disk !== undefined) await fillUp(t, { path: disk });
  });

  test('a spool of at most 1 MiB loses the oldest batches, each counted', (t) => fillUp(t, { maxBytes: '1MiB' }));
});

async function fillUp(t: TestContext, spool: NonNullable<SceneOptions['spool']>): Promise<void> {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const scene = await Scene.start(t, { series: SERIES, spool });
  await scene.startAgent();
  await scene.cycles(3);
  await scene.receiver.stop();
  await scene.cycles(DOWN_CYCLES);
  const bytes = scene.spooled().reduce((sum, file) => sum + statSync(file).size, 0);
  const dropping = await scene.own('firesteel_export_samples_dropped_total');
  assert.ok(dropping > 0, 'more than the limit was pushed');
  assert.ok(bytes <= LIMIT_BYTES, `${bytes} bytes on disk`);
  assert.ok(bytes > LIMIT_BYTES / 2, `only ${bytes} bytes on disk: most of the space is used`);
  await scene.receiver.start();
  await scene.drained();
  await scene.cycles(2);
  await scene.drained();
  const dropped = await scene.own('firesteel_export_samples_dropped_total');
  assert.equal((await scene.stopAgent()).code, 0);

  const found = await scene.findings();
  t.diagnostic(`${bytes} bytes on disk at the end of the outage; ${summary(found)}; counted as dropped: ${dropped}`);
  assert.deepEqual(found.wrong.slice(0, 10), []);
  const zeros = found.missing.reduce((sum, body) => sum + body.zeros, 0);
  assert.equal(found.missingSamples + zeros, dropped, 'the missing samples are the counted ones');
  assert.equal(found.duplicates, 0);
}

/** A tmpfs of 1 MiB; undefined, and the test skipped, where mounting is not allowed. */
function smallDisk(t: TestContext): string | undefined {
  const disk = mkdtempSync(join(tmpdir(), 'firesteel-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${LIMIT_BYTES}`, 'tmpfs', disk], { encoding: 'utf8' });
  if (mounted.status !== 0) {
    rmdirSync(disk);
    t.skip(`a tmpfs cannot be mounted here, which requires root: ${mounted.stderr ?? mounted.error}`);
    return undefined;
  }
  t.after(() => {
    spawnSync('umount', ['-l', disk]);
    rmdirSync(disk);
  });
  return disk;
}
