import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { scratchFolder } from '../../kit/host-tree.ts';
import { LogGroup, totalOf } from '../../kit/log-group.ts';
import { serverAvailable, startServer } from '../../kit/servers.ts';

const PROGRAM = 'counter matched_total\n/status=5\\d\\d/ {\n  matched_total++\n}\n';

/** The count of mtail. */
async function countedByMtail(url: string): Promise<number> {
  const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(60_000) });
  const [, value] = /^matched_total\{[^}]*\} (\d+)$/m.exec(await answer.text()) ?? [];
  return Number(value ?? 0);
}

const WAYS = ['create', 'copytruncate', 'rename'] as const;

type Way = (typeof WAYS)[number];

/**
 * Modes of logrotate: `create` renames and creates a new file, `copytruncate` copies and truncates, `rename` (its nocreate)
 * leaves the new file to the writer; there are three old files.
 */
function rotate(path: string, way: Way): void {
  for (const number of [2, 1])
    if (existsSync(`${path}.${number}`)) renameSync(`${path}.${number}`, `${path}.${number + 1}`);
  if (existsSync(`${path}.3`)) unlinkSync(`${path}.3`);
  if (way !== 'copytruncate') {
    renameSync(path, `${path}.1`);
    if (way === 'create') writeFileSync(path, '');
  } else {
    copyFileSync(path, `${path}.1`);
    truncateSync(path, 0);
  }
}

/** Writes lines and rotates in a loop, read by mtail as well; returns the written lines and both counts. */
async function compare(context: TestContext, way: Way) {
  const folder = scratchFolder(context);
  mkdirSync(join(folder, 'logs'));
  const path = join(folder, 'logs', 'app.log');
  writeFileSync(path, '');
  writeFileSync(join(folder, 'count.mtail'), PROGRAM);
  const args = (port: number) => [
    ...['-port', String(port), '-address', '127.0.0.1', '-progs', join(folder, 'count.mtail'), '-logs', path],
    ...['-logtostderr', '-poll_interval', '250ms', '-poll_log_interval', '250ms'],
  ];
  const url = await startServer(context, 'mtail', args, '/metrics');
  const rules = [{ metric: 'matched_total', pattern: 'status=5\\d\\d' }];
  const files = [{ paths: [path], start: 'beginning' as const, rules }];
  const group = await LogGroup.start({ log: { enabled: true, poll: '250ms', files } }, { folder });
  context.after(() => group.stop());
  await group.cycle();
  const rounds = 12;
  let written = 0;
  for (let round = 0; round < rounds; round++) {
    for (let burst = 0; burst < 10; burst++) {
      const lines = Array.from(
        { length: 100 },
        (_, index) => `${round} ${burst} ${index} status=500 of an application\n`,
      );
      appendFileSync(path, lines.join(''));
      written += lines.length;
      await sleep(60);
    }
    // Right after the last lines, as on a full disk.
    rotate(path, way);
  }
  let ours = 0;
  for (let tries = 0; tries < 240 && ours < written; tries++) {
    ours = totalOf(await group.cycle(), 'matched_total');
    await sleep(250);
  }
  return { written, ours, theirs: await countedByMtail(url) };
}

for (const way of WAYS) {
  test(`compared with mtail on the same file, rotated by ${way} in a loop: our count is at least as close to the written lines`, async (context) => {
    if (!serverAvailable(context, 'mtail')) return;
    const { written, ours, theirs } = await compare(context, way);
    context.diagnostic(`${written} lines written, ${ours} counted, ${theirs} counted by mtail`);
    assert.ok(ours <= written, `${ours} of ${written}`);
    assert.ok(Math.abs(written - ours) <= Math.abs(written - theirs), `${written}: ${ours}, mtail ${theirs}`);
  });
}
