import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scratchFolder } from '../../kit/host-tree.ts';

const moduleAt = (path: string) => JSON.stringify(fileURLToPath(new URL(`../../../src/${path}`, import.meta.url)));
const NOBODY = 65534;

/** Opens the spool in the folder FOLDER, with retries, and prints its log and the number of batches. */
const PROGRAM = `
  import { pino } from ${JSON.stringify(import.meta.resolve('pino'))};
  import { ThrottledLog } from ${moduleAt('base/log.ts')};
  import { Spool } from ${moduleAt('exporters/spool/spool.ts')};
  const log = new ThrottledLog(pino());
  const spool = new Spool({
    folder: process.env.FOLDER, maxBytes: 2 ** 20, maxWaitingBytes: 2 ** 20, maxAgeMs: 60_000, now: () => 0, log,
    onDrop: () => undefined, onSetAside: () => undefined,
  });
  const member = Buffer.from('x');
  const batch = (stampMs) => ({
    group: 'node', target: { job: 'j', instance: 'i', labels: {} }, stampMs, encoding: 'zstd', members: [member],
    textBytes: 1, samples: 1,
  });
  if (process.env.USER_ID !== '0') { process.setgid(${NOBODY}); process.setuid(${NOBODY}); }
  while (!(await spool.open())) await new Promise((resolve) => setTimeout(resolve, 50));
  if (process.env.USER_ID === '0') for (const stamp of [1, 2]) await spool.put(batch(stamp));
  console.log(JSON.stringify({ bodies: spool.sizes.bodies, foreign: spool.sizes.foreign }));
  await spool.close();`;

interface Line {
  readonly bodies?: number;
  readonly foreign?: number;
  readonly reason?: string;
  readonly next?: string;
}

/** Runs it as a user; `onTrouble` gets the first line of its log. Resolves to all lines. */
async function spoolAs(user: number, folder: string, onTrouble: (line: Line) => void = () => undefined) {
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', PROGRAM];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { FOLDER: folder, USER_ID: String(user) },
    timeout: 120_000,
  });
  const lines: Line[] = [];
  for await (const text of createInterface(child.stdout)) {
    const line = JSON.parse(text) as Line;
    if (lines.length === 0 && line.reason !== undefined) onTrouble(line);
    lines.push(line);
  }
  if (child.exitCode === null) await once(child, 'exit');
  assert.equal(child.exitCode, 0);
  return lines;
}

/** A folder below one that all users may enter, with files of root. */
async function writtenByRoot(t: TestContext): Promise<string | undefined> {
  if (process.getuid?.() !== 0) {
    t.skip('takes root');
    return undefined;
  }
  const parent = scratchFolder(t);
  chmodSync(parent, 0o755);
  const folder = join(parent, 'main');
  assert.deepEqual((await spoolAs(0, folder)).at(-1), { bodies: 2, foreign: 0 });
  return folder;
}

function give(folder: string, ...files: readonly string[]): void {
  for (const path of [folder, ...files.map((file) => join(folder, file))]) chownSync(path, NOBODY, NOBODY);
}

test('a spool written by root reports what another user has to do, and is used after that', async (t) => {
  const folder = await writtenByRoot(t);
  if (folder === undefined) return;
  const lines = await spoolAs(NOBODY, folder, () => give(folder, ...readdirSync(folder)));
  assert.match(lines[0]?.reason ?? '', /EACCES/);
  assert.match(lines[0]?.next ?? '', new RegExp(`runs as 65534:65534: chown -R 65534:65534 ${folder}`));
  assert.deepEqual(lines.at(-1), { bodies: 2, foreign: 0 });
});

test('files that another user cannot read are left unchanged, with the same advice', async (t) => {
  const folder = await writtenByRoot(t);
  if (folder === undefined) return;
  give(folder);
  const lines = await spoolAs(NOBODY, folder);
  // The log may be written after the result.
  const trouble = lines.find(({ reason }) => reason !== undefined);
  assert.match(trouble?.reason ?? '', /2 foreign entries in the folder, .*EACCES/);
  assert.match(trouble?.next ?? '', /chown -R 65534:65534/);
  assert.deepEqual(
    lines.find(({ bodies }) => bodies !== undefined),
    { bodies: 0, foreign: 2 },
  );
  assert.equal(readdirSync(folder).filter((name) => name.endsWith('.body')).length, 2);
});

test('a folder that cannot be created is reported with its parent', async (t) => {
  if (process.getuid?.() !== 0) {
    t.skip('takes root');
    return;
  }
  const parent = join(scratchFolder(t), 'spool');
  mkdirSync(parent);
  chmodSync(join(parent, '..'), 0o755);
  const lines = await spoolAs(NOBODY, join(parent, 'main'), () => give(parent));
  assert.match(lines[0]?.next ?? '', new RegExp(`chown 65534:65534 ${parent}$`));
  assert.deepEqual(lines.at(-1), { bodies: 0, foreign: 0 });
});
