import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { loadSettings } from '../../src/commands/settings.ts';
import { Host } from '../../src/host/host.ts';
import type { LogEntry } from '../../src/logs/entry.ts';
import { fileSource } from '../../src/logs/files/file-source.ts';
import { fileOrigin, lineEntry } from '../../src/logs/files/line-entry.ts';
import type { LogSource, SavedPosition } from '../../src/logs/source.ts';
import type { LogWorld } from '../../src/logs/world.ts';
import { hostTree, scratchFolder } from '../kit/host-tree.ts';
import { JournalRemote } from '../kit/journal-remote.ts';
import { startLocalAgent } from '../kit/local-agent.ts';
import { readEntries } from '../kit/log-entries.ts';
import { serverAvailable } from '../kit/servers.ts';
import { until } from '../kit/until.ts';

const numbered = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index} ${'x'.repeat(40)}\n`).join('');

const numbersOf = (entries: readonly LogEntry[]): number[] =>
  entries.map(({ message }) => Number(message.split(' ')[1]));

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

/** A source of files; time advances by 11 s with each read, so that each read expands the patterns. */
class Shipping {
  position: SavedPosition | undefined;
  source: LogSource;
  readonly #open: () => LogSource;

  constructor(context: TestContext, files: readonly object[], counted: readonly object[] = []) {
    const set = [`logs.files=${JSON.stringify(files)}`, `collectors.log.files=${JSON.stringify(counted)}`];
    const { logs, collectors } = loadSettings({ set }, {}).config;
    let nowMs = 1_700_000_000_000;
    const now = () => {
      nowMs += 11_000;
      return nowMs;
    };
    const host = new Host(hostTree(context, {}));
    const shippedByRule = collectors.log.files;
    const common = { host, log: createLog('fatal'), now, labels: { node: 'n1' }, names: undefined };
    const world: LogWorld = { logs, shippedByRule, ...common };
    this.#open = () => fileSource(world).open(this.position, undefined, 'store') as LogSource;
    this.source = this.#open();
    context.after(() => this.source.close());
  }

  async read(limits: { maxEntries?: number; maxBytes?: number } = {}): Promise<readonly LogEntry[]> {
    const batch = await readEntries(this.source, limits);
    if (batch === undefined) return [];
    this.position = { position: batch.position, lost: { ...this.source.lost } };
    return batch.entries;
  }

  /** What happens each second while the receiver has no room: files are checked, the acknowledged position is completed. */
  check(): void {
    const { position } = this;
    if (position) this.position = { ...position, position: this.source.complete?.(position.position) ?? '' };
  }

  restart(): void {
    this.source.close();
    this.source = this.#open();
  }

  /** What happens after an error: another source continues after `read`, the position of the last read. */
  fail(read: SavedPosition): void {
    this.source.close();
    this.source = this.source.successor?.(read) as LogSource;
  }
}

test('lines are shipped across rotation by rename, also while the agent is down', async (context) => {
  const folder = scratchFolder(context);
  const path = join(folder, 'app.log');
  writeFileSync(path, numbered(0, 5));
  const shipping = new Shipping(context, [{ paths: [path] }]);
  assert.deepEqual(await shipping.read(), []);
  appendFileSync(path, numbered(5, 10));
  assert.deepEqual(numbersOf(await shipping.read()), range(5, 10));
  appendFileSync(path, numbered(10, 12));
  renameSync(path, `${path}.1`);
  writeFileSync(path, numbered(12, 15));
  assert.deepEqual(numbersOf(await shipping.read()), range(10, 15));
  appendFileSync(path, numbered(15, 17));
  renameSync(path, `${path}.2`);
  writeFileSync(path, numbered(17, 20));
  shipping.restart();
  assert.deepEqual(numbersOf(await shipping.read()), range(15, 20));
  assert.deepEqual(await shipping.read(), []);
});

test('a file that appears and is rotated while nothing is acknowledged is found after a restart', async (context) => {
  const path = join(scratchFolder(context), 'app.log');
  writeFileSync(path, numbered(0, 5));
  const shipping = new Shipping(context, [{ paths: [path], start: 'beginning' }]);
  assert.deepEqual(await shipping.read(), []);
  const acknowledged = shipping.position;
  for (let round = 1; round <= 3; round++) {
    for (let old = round; old > 1; old--) renameSync(`${path}.${old - 1}`, `${path}.${old}`);
    renameSync(path, `${path}.1`);
    writeFileSync(path, numbered(round * 5, (round + 1) * 5));
    // The second file is read, but its upload is not acknowledged.
    if (round === 1) assert.deepEqual(numbersOf(await shipping.read()), range(0, 10));
    shipping.position = acknowledged;
    shipping.check();
  }
  shipping.restart();
  assert.deepEqual(numbersOf(await shipping.read()), [...range(0, 15), ...range(15, 20)]);
  assert.deepEqual(await shipping.read(), []);
  // All of it is acknowledged: nothing is sent again, also not what appeared before.
  shipping.check();
  shipping.restart();
  assert.deepEqual(await shipping.read(), []);
});

/** Rotates a file twice, without a read between, so that two new ones appear, of which the first has no name that matches. */
function rotateTwice(path: string, from: number, check: () => void): void {
  for (const first of [from, from + 5]) {
    rmSync(`${path}.3`, { force: true });
    for (const old of [2, 1]) if (existsSync(`${path}.${old}`)) renameSync(`${path}.${old}`, `${path}.${old + 1}`);
    renameSync(path, `${path}.1`);
    writeFileSync(path, numbered(first, first + 5));
    check();
  }
}

test('a file that appears and is rotated before an error of the source is read by the next source', async (context) => {
  const path = join(scratchFolder(context), 'app.log');
  writeFileSync(path, numbered(0, 5));
  const shipping = new Shipping(context, [{ paths: [path], start: 'beginning' }]);
  assert.deepEqual(await shipping.read(), []);
  assert.deepEqual(numbersOf(await shipping.read()), range(0, 5));
  const read = shipping.position as SavedPosition;
  rotateTwice(path, 5, () => {
    shipping.position = read;
    shipping.check();
  });
  shipping.fail(read);
  assert.deepEqual(numbersOf(await shipping.read()), range(5, 15));
  assert.deepEqual(await shipping.read(), []);
});

test('an error of the source does not take files that have appeared out of the acknowledged position', async (context) => {
  const path = join(scratchFolder(context), 'app.log');
  writeFileSync(path, numbered(0, 5));
  const shipping = new Shipping(context, [{ paths: [path], start: 'beginning' }]);
  assert.deepEqual(await shipping.read(), []);
  const acknowledged = shipping.position as SavedPosition;
  renameSync(path, `${path}.1`);
  writeFileSync(path, numbered(5, 10));
  assert.deepEqual(numbersOf(await shipping.read()), range(0, 10));
  // Its upload is in flight when the source fails, and is never acknowledged.
  const read = shipping.position as SavedPosition;
  shipping.position = acknowledged;
  shipping.fail(read);
  rotateTwice(path, 10, () => {
    shipping.position = acknowledged;
    shipping.check();
  });
  shipping.restart();
  assert.deepEqual(numbersOf(await shipping.read()), range(0, 20));
});

test('a new file that is copied and truncated while nothing is acknowledged is found in its copy', async (context) => {
  const path = join(scratchFolder(context), 'app.log');
  writeFileSync(path, numbered(0, 5));
  const shipping = new Shipping(context, [{ paths: [path], start: 'beginning' }]);
  assert.deepEqual(await shipping.read(), []);
  renameSync(path, `${path}.1`);
  writeFileSync(path, numbered(5, 10));
  shipping.check();
  renameSync(`${path}.1`, `${path}.2`);
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
  appendFileSync(path, numbered(10, 12));
  shipping.check();
  shipping.restart();
  const read = [...(await shipping.read()), ...(await shipping.read())];
  assert.deepEqual(
    numbersOf(read).sort((a, b) => a - b),
    range(0, 12),
  );
});

test('lines are shipped across copy and truncation', async (context) => {
  const path = join(scratchFolder(context), 'app.log');
  writeFileSync(path, numbered(0, 5));
  const shipping = new Shipping(context, [{ paths: [path], start: 'beginning' }]);
  assert.deepEqual(await shipping.read(), []);
  assert.deepEqual(numbersOf(await shipping.read()), range(0, 5));
  appendFileSync(path, numbered(5, 8));
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
  appendFileSync(path, numbered(8, 9));
  const numbers = [...numbersOf(await shipping.read()), ...numbersOf(await shipping.read())];
  assert.deepEqual(
    numbers.sort((a, b) => a - b),
    range(5, 9),
  );
});

test('unread bytes are counted when a file is truncated or overwritten, unless a copy has them', async (context) => {
  const folder = scratchFolder(context);
  const [cut, other, copied] = ['cut', 'other', 'copied'].map((name) => join(folder, `${name}.log`));
  assert.ok(cut && other && copied);
  const shipping = new Shipping(context, [{ paths: [`${folder}/*.log`] }]);
  for (const path of [cut, other, copied]) writeFileSync(path, numbered(0, 5));
  await shipping.read();
  await shipping.read();
  for (const path of [cut, other, copied]) appendFileSync(path, numbered(5, 8));
  // The receiver has no room: files are only checked.
  shipping.check();
  copyFileSync(copied, `${copied}.1`);
  truncateSync(copied);
  truncateSync(cut);
  writeFileSync(other, numbered(100, 200));
  const read = [...(await shipping.read()), ...(await shipping.read())];
  assert.deepEqual(
    numbersOf(read).sort((a, b) => a - b),
    [...range(5, 8), ...range(100, 200)],
  );
  assert.deepEqual(shipping.source.lostBytes, { unread: 2 * numbered(5, 8).length });
});

test('lines that match rules with ship are shipped with the labels of the rules', async (context) => {
  const path = join(scratchFolder(context), 'app.log');
  writeFileSync(
    path,
    ['ERROR code=7 in db', 'WARN code=8 node=evil', 'ERROR code=9 ignore me', 'INFO', 'FATAL code=3 at=4', ''].join(
      '\n',
    ),
  );
  const code = '(?:ERROR|FATAL) code=(?P<code>\\d+)';
  const rules = [
    { pattern: code, labels: ['code'], ship: true },
    { metric: 'at', type: 'gauge', pattern: 'at=(?P<at>\\d+)', value: 'at', ship: true },
    { metric: 'nodes_total', pattern: 'node=(?P<node>\\w+)', labels: ['node'], ship: true },
    { metric: 'infos_total', pattern: 'INFO' },
  ];
  const counted = [{ paths: [path], start: 'beginning', drop: ['ignore'], rules }];
  const shipping = new Shipping(context, [], counted);
  assert.deepEqual(await shipping.read(), []);
  const entries = await shipping.read();
  assert.deepEqual(
    entries.map(({ message, labels }) => [message, labels]),
    [
      ['ERROR code=7 in db', { code: '7', node: 'n1', file: path }],
      ['WARN code=8 node=evil', { node: 'n1', file: path }],
      ['FATAL code=3 at=4', { code: '3', node: 'n1', file: path }],
    ],
  );
  appendFileSync(path, 'ERROR code=1\n');
  shipping.restart();
  assert.deepEqual(
    (await shipping.read()).map(({ message }) => message),
    ['ERROR code=1'],
  );
});

test('a removed file is read to its end if it was open before', async (context) => {
  const path = join(scratchFolder(context), 'app.log');
  writeFileSync(path, '');
  const shipping = new Shipping(context, [{ paths: [path] }]);
  await shipping.read();
  appendFileSync(path, numbered(0, 3));
  // The receiver has no room: files are only checked.
  shipping.check();
  rmSync(path);
  assert.deepEqual(numbersOf(await shipping.read()), range(0, 3));
});

test('batches end at their limits, and unacknowledged entries are sent again with the same cursors', async (context) => {
  const path = join(scratchFolder(context), 'app.log');
  writeFileSync(path, numbered(0, 100));
  const shipping = new Shipping(context, [{ paths: [path], start: 'beginning' }]);
  await shipping.read();
  assert.deepEqual(numbersOf(await shipping.read({ maxEntries: 7 })), range(0, 7));
  const acked = shipping.position;
  const first = await shipping.read({ maxBytes: 1000 });
  assert.deepEqual(numbersOf(first), range(7, 10));
  shipping.position = acked;
  shipping.restart();
  const again = await shipping.read();
  assert.deepEqual(numbersOf(again), range(7, 100));
  assert.deepEqual(
    again.slice(0, 3).map(({ cursor }) => cursor),
    first.map(({ cursor }) => cursor),
  );
});

test('only matching lines, without excluded and compressed files; long lines are truncated and counted', async (context) => {
  const folder = scratchFolder(context);
  writeFileSync(
    join(folder, 'a.log'),
    `ERROR one\r\nINFO two\n\nERROR ${'y'.repeat(400_000)}\nERROR three\nERROR half`,
  );
  writeFileSync(join(folder, 'b.log'), 'ERROR excluded\n');
  writeFileSync(join(folder, 'a.log.gz'), 'ERROR packed\n');
  const files = [{ paths: [`${folder}/*`], exclude: ['b\\.log$'], pattern: '^ERROR', start: 'beginning' }];
  const shipping = new Shipping(context, files);
  await shipping.read();
  const entries = await shipping.read();
  assert.deepEqual(
    entries.map(({ message }) => message.slice(0, 11)),
    ['ERROR one', 'ERROR yyyyy', 'ERROR three'],
  );
  assert.equal(entries[1]?.message.length, 64 * 1024);
  assert.equal(shipping.source.lost.cut, 1);
  assert.deepEqual(entries[0]?.labels, { node: 'n1', file: join(folder, 'a.log') });
  const times = entries.map(({ timeUs }) => timeUs);
  assert.deepEqual(
    times,
    [...new Set(times)].sort((a, b) => a - b),
  );
});

const ID = 'c'.repeat(64);
for (const [path, expected] of [
  ['/var/log/pods/shop_web-1_0a1b-2c/app/3.log', { namespace: 'shop', pod: 'web-1', container: 'app' }],
  ['/var/log/pods/shop_web-1_0a1b-2c/app/3.log.20260101-000000', { namespace: 'shop', pod: 'web-1', container: 'app' }],
  [`/var/log/containers/web-1_shop_my-app-${ID}.log`, { namespace: 'shop', pod: 'web-1', container: 'my-app' }],
  ['/var/log/syslog', { file: '/var/log/syslog' }],
] as const) {
  test(`the labels of ${path}`, () => {
    assert.deepEqual(fileOrigin(path, { node: 'n1' }).labels, { node: 'n1', ...expected });
  });
}

test('lines of pods have the time and the stream of the container runtime', () => {
  const file = { path: '/var/log/pods/shop_web-1_0a/app/0.log', dev: 1, ino: 2, headHash: 3 };
  const place = { file, origin: fileOrigin(file.path, {}), offset: 10, readUs: 5 };
  const full = lineEntry('2026-01-02T03:04:05.123456789Z stderr F it failed', place);
  assert.equal(full.message, 'it failed');
  assert.equal(full.timeUs, Date.UTC(2026, 0, 2, 3, 4, 5) * 1000 + 123_456);
  assert.equal(full.fields.get('stream'), 'stderr');
  assert.equal(full.fields.has('partial'), false);
  const part = lineEntry('2026-01-02T05:04:05+02:00 stdout P ', place);
  assert.deepEqual(
    [part.message, part.timeUs, part.fields.get('partial')],
    ['', Date.UTC(2026, 0, 2, 3, 4, 5) * 1000, 'true'],
  );
  const other = lineEntry('{"log":"docker"}', place);
  assert.deepEqual([other.message, other.timeUs], ['{"log":"docker"}', 5]);
});

test('two entries with the same paths are refused', () => {
  const files = JSON.stringify([{ paths: ['/a'] }, { paths: ['/a'] }]);
  assert.throws(() => loadSettings({ set: [`logs.files=${files}`] }, {}), /two entries have the same paths/);
});

test('each line reaches systemd-journal-remote once, across rotation and an outage', async (context) => {
  if (!serverAvailable(context, 'systemd-journal-remote')) return;
  const [folder, target] = [scratchFolder(context), scratchFolder(context)];
  mkdirSync(join(target, 'received'));
  const remote = await JournalRemote.start(context, join(target, 'received'));
  const path = join(folder, 'app.log');
  writeFileSync(path, numbered(0, 1000));
  const agent = await startLocalAgent(context, (own) => ({
    http: { listen: '127.0.0.1:0', controlTokenFile: join(own, 'token') },
    collectors: {
      ...Object.fromEntries(['node', 'container', 'process'].map((name) => [name, { enabled: false }])),
      log: {
        enabled: true,
        files: [{ paths: [path], start: 'beginning', rules: [{ pattern: 'line (?P<n>\\d+)', ship: true }] }],
      },
    },
    push: { interval: '1s' },
    spool: { path: join(own, 'spool') },
    exporters: { remote: { type: 'journald', url: remote.url } },
  }));
  const acked = async () => {
    const { logs } = (await agent.get('/v1/status')).body as { logs: { source: string; acked: number }[] };
    return logs.find(({ source }) => source === 'file')?.acked;
  };
  const arrived = (count: number) =>
    until(
      async () => (await acked()) === count,
      () => JSON.stringify(agent.log),
      60_000,
    );
  await arrived(1000);
  await remote.stop();
  appendFileSync(path, numbered(1000, 1500));
  renameSync(path, `${path}.1`);
  writeFileSync(path, numbered(1500, 2000));
  await remote.start();
  await arrived(2000);
  await remote.stop();
  const received = remote.received('MESSAGE').map(([text = '']) => Number(text.split(' ')[1]));
  assert.deepEqual(
    [...new Set(received)].sort((a, b) => a - b),
    range(0, 2000),
  );
});
