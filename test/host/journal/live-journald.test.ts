import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Journal } from '../../../src/host/journal/journal.ts';
import type { JournalPosition } from '../../../src/host/journal/position.ts';
import { cleanUp } from '../../kit/clean-up.ts';
import { scratchFolder } from '../../kit/host-tree.ts';
import { serverAvailable } from '../../kit/servers.ts';

const ENTRIES = 50_000;
const RESTARTS = 10;
const STEP = 1000;

/** The real journald in separate namespaces: /run and /var/log are empty, and its files are in the folder $1. */
const SCRIPT = `set -e
mount --make-rprivate /
mount -t tmpfs none /run
mount -t tmpfs none /var/log
mkdir -p /run/systemd/journal /run/systemd/journald.conf.d /var/log/journal
touch /run/systemd/journal/flushed
mount --bind "$1" /var/log/journal
cat > /run/systemd/journald.conf.d/test.conf <<'END'
[Journal]
Storage=persistent
SystemMaxFileSize=1M
SystemMaxUse=500M
SystemKeepFree=1M
RateLimitIntervalSec=0
ReadKMsg=no
Audit=no
ForwardToSyslog=no
END
systemd-journald &
daemon=$!
tries=0
until [ -S /run/systemd/journal/stdout ]; do
  tries=$((tries + 1)); [ $tries -lt 100 ] || exit 77
  kill -0 $daemon || exit 77
  sleep 0.1
done
echo ready
systemd-cat -t firesteel-test
# Lines that it has received are written before it ends.
sleep 0.5
kill $daemon
wait $daemon || true
`;

/** Starts it; undefined, with the test skipped, if it cannot run. Lines written to its input become entries. */
async function startJournald(context: TestContext, folder: string): Promise<ChildProcess | undefined> {
  const within = ['-m', '-p', '-f', '--kill-child', '--mount-proc'];
  if (spawnSync('unshare', [...within, 'true']).status !== 0) {
    context.skip('namespaces can only be created by root');
    return undefined;
  }
  if (!existsSync('/etc/machine-id')) {
    context.skip('journald needs /etc/machine-id');
    return undefined;
  }
  const child = spawn('unshare', [...within, 'sh', '-c', SCRIPT, 'sh', folder], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  cleanUp(context, async () => {
    child.kill('SIGKILL');
    await ended;
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-1000);
  });
  const begun = await Promise.race([
    once(child.stdout, 'data').then(() => true),
    ended.then(() => false),
    sleep(60_000, false, { ref: false }),
  ]);
  if (begun) return child;
  context.skip(`systemd-journald does not run here: ${stderr}`);
  return undefined;
}

test('the real journald is followed through rotations and restarts of the reader: each entry once', async (context) => {
  if (!serverAvailable(context, 'systemd-journald')) return;
  const folder = scratchFolder(context);
  const path = join(folder, 'journal');
  mkdirSync(path);
  const journald = await startJournald(context, path);
  if (journald === undefined) return;
  const ended = once(journald, 'exit');
  const open = (position?: JournalPosition) =>
    new Journal({
      paths: [path],
      wanted: new Set(['MESSAGE', 'SYSLOG_IDENTIFIER']),
      start: { sinceRealtime: 0 },
      position,
    });
  let journal = open();
  const seen = new Map<string, number>();
  const lost = { rotated: 0, corrupt: 0, unreadable: 0 };
  const read = () => {
    const { problems } = journal.scan();
    assert.deepEqual(problems, []);
    for (let next = journal.next(); next !== undefined; next = journal.next()) {
      const get = (name: string) => next?.fields.find((field) => field.name === name)?.text ?? '';
      if (get('SYSLOG_IDENTIFIER') === 'firesteel-test') seen.set(get('MESSAGE'), (seen.get(get('MESSAGE')) ?? 0) + 1);
    }
    Object.assign(lost, journal.lost);
  };
  let restarts = 0;
  for (let number = 0; number < ENTRIES; number += STEP) {
    const lines = Array.from({ length: STEP }, (_, index) => `message ${number + index}\n`).join('');
    if (!journald.stdin?.write(lines)) await once(journald.stdin as NonNullable<typeof journald.stdin>, 'drain');
    read();
    if (number >= ((restarts + 1) * ENTRIES) / (RESTARTS + 1)) {
      restarts++;
      const position = JSON.parse(JSON.stringify(journal.position())) as JournalPosition;
      journal.close();
      journal = open(position);
    }
    await sleep(10);
  }
  journald.stdin?.end();
  await ended;
  read();
  journal.close();
  const [machine = ''] = readdirSync(path);
  const files = readdirSync(join(path, machine)).length;
  context.diagnostic(`${seen.size} entries in ${files} files, ${restarts} restarts`);
  assert.equal(seen.size, ENTRIES);
  assert.deepEqual(
    [...seen.values()].filter((count) => count !== 1),
    [],
  );
  assert.deepEqual(lost, { rotated: 0, corrupt: 0, unreadable: 0 });
  assert.ok(files > 10 && restarts === RESTARTS, `${files} files, ${restarts} restarts`);
});
