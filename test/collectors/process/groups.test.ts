import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { BOOT_TIME, OWN_PAGE_BYTES, ProcTree, type Seen } from './proc-tree.ts';

const BY_COMM = { process_names: [{ name: '{{.Comm}}', cmdline: ['.+'] }] };
const KERNEL_THREAD = 0x00200000;
const user = (seconds: number) => ({ user: seconds * 100 });

test('all metrics of a group', async (t) => {
  const tree = new ProcTree(t);
  const collect = tree.collector(BY_COMM);
  tree.set(7, { comm: 'web', start: 5000, pages: 10, virtual: 9000, swapKib: 3, files: 4, filesLimit: 16, threads: 3 });
  tree.set(8, { comm: 'web', start: 7050, pages: 1, virtual: 1000, state: 'R', files: 2, filesLimit: 4 });
  tree.set(9, { comm: 'web', start: 9000, filesLimit: 'unlimited', files: 1, state: 'D' });
  const seen = await collect();
  assert.deepEqual(seen.losses, []);
  const values = {
    num_procs: 3,
    num_threads: 5,
    open_filedesc: 7,
    worst_fd_ratio: 0.5,
    filedesc_limit: 4,
    oldest_start_time_seconds: BOOT_TIME + 50,
    youngest_start_time_seconds: BOOT_TIME + 90,
    uptime_seconds: 950,
    read_bytes_total: 0,
  };
  for (const [name, value] of Object.entries(values)) assert.equal(seen.of('web', name), value, name);
  const memory = { resident: 11 * OWN_PAGE_BYTES, virtual: 10_000, swapped: 3072, proportionalResident: undefined };
  for (const [type, value] of Object.entries(memory)) {
    assert.equal(seen.of('web', 'memory_bytes', `memtype="${type}"`), value, type);
  }
  const states = { Running: 1, Sleeping: 1, Waiting: 1, Zombie: 0, Other: 0 };
  for (const [state, count] of Object.entries(states)) {
    assert.equal(seen.of('web', 'states', `state="${state}"`), count, state);
  }
});

test('activity before the first collection does not count; activity since then stays when the process ends', async (t) => {
  const tree = new ProcTree(t);
  const collect = tree.collector(BY_COMM);
  const counted = async () => {
    const seen = await collect();
    return [
      seen.of('web', 'cpu_seconds_total', 'mode="user"'),
      seen.of('web', 'cpu_seconds_total', 'mode="system"'),
      seen.of('web', 'read_bytes_total'),
      seen.of('web', 'write_bytes_total'),
      seen.of('web', 'major_page_faults_total'),
      seen.of('web', 'minor_page_faults_total'),
      seen.of('web', 'context_switches_total', 'ctxswitchtype="voluntary"'),
      seen.of('web', 'context_switches_total', 'ctxswitchtype="nonvoluntary"'),
    ];
  };
  const all = (n: number) =>
    ({ user: n, system: 2 * n, read: n, written: n, majorFaults: n, minorFaults: n, switches: [n, n] }) as const;
  tree.set(7, { comm: 'web', ...all(100) });
  assert.deepEqual(await counted(), [0, 0, 0, 0, 0, 0, 0, 0]);
  tree.set(7, { comm: 'web', ...all(300) });
  assert.deepEqual(await counted(), [2, 4, 200, 200, 200, 200, 200, 200]);
  // One that starts later counts completely.
  tree.set(8, { comm: 'web', start: 101, ...all(100) });
  assert.deepEqual(await counted(), [3, 6, 300, 300, 300, 300, 300, 300]);
  tree.remove(7);
  tree.remove(8);
  assert.deepEqual(await counted(), [3, 6, 300, 300, 300, 300, 300, 300]);
});

test('counters never fall: not when a source falls, nor when it wraps below zero', async (t) => {
  const tree = new ProcTree(t);
  const collect = tree.collector(BY_COMM);
  const written = async (value: bigint | number) => {
    tree.set(7, { comm: 'web', written: value, user: Number(value) % 1000 });
    return (await collect()).of('web', 'write_bytes_total');
  };
  assert.equal(await written(500), 0);
  assert.equal(await written(800), 300);
  assert.equal(await written(18446744073709547520n), 300);
  assert.equal(await written(900), 400);
  assert.equal(await written(100), 400);
  assert.equal(await written(150), 450);
});

test('a reused pid is another process', async (t) => {
  const tree = new ProcTree(t);
  const collect = tree.collector(BY_COMM);
  tree.set(7, { comm: 'web', ...user(10) });
  await collect();
  tree.set(7, { comm: 'web', ...user(15) });
  await collect();
  tree.set(7, { comm: 'web', start: 900, ...user(2) });
  assert.equal((await collect()).of('web', 'cpu_seconds_total', 'mode="user"'), 7);
  tree.set(7, { comm: 'db', start: 901, ...user(2) });
  const seen = await collect();
  assert.deepEqual(seen.groups, { web: 0, db: 1 });
  assert.equal(seen.of('db', 'cpu_seconds_total', 'mode="user"'), 2);
});

test('a group without processes has zeros and its counters for an hour, then starts over', async (t) => {
  const tree = new ProcTree(t);
  const collect = tree.collector(BY_COMM);
  tree.set(7, { comm: 'web' });
  await collect();
  tree.set(7, { comm: 'web', ...user(5) });
  await collect();
  tree.remove(7);
  const empty = await collect();
  assert.deepEqual(empty.groups, { web: 0 });
  assert.equal(empty.of('web', 'open_filedesc'), 0);
  assert.equal(empty.of('web', 'memory_bytes', 'memtype="swapped"'), 0);
  assert.equal(empty.of('web', 'oldest_start_time_seconds'), undefined);
  assert.equal(empty.of('web', 'cpu_seconds_total', 'mode="user"'), 5);
  tree.now += 3_600_001;
  assert.deepEqual((await collect()).groups, {});
  tree.set(9, { comm: 'web', start: 999, ...user(1) });
  assert.equal((await collect()).of('web', 'cpu_seconds_total', 'mode="user"'), 1);
});

test('a process that matches nothing joins its nearest ancestor’s group', async (t) => {
  const family = (options: object) => {
    const tree = new ProcTree(t);
    tree.set(2, { comm: 'kthreadd', argv: [], parent: 0, flags: KERNEL_THREAD });
    tree.set(5, { comm: 'kworker', argv: [], parent: 2, flags: KERNEL_THREAD });
    tree.set(10, { comm: 'web' });
    tree.set(11, { comm: 'helper', parent: 12 });
    tree.set(12, { comm: 'shell', parent: 10 });
    tree.set(13, { comm: 'db', parent: 11 });
    tree.set(14, { comm: 'orphan', parent: 99 });
    return [tree, tree.collector({ process_names: [{ comm: ['web', 'db'] }], ...options })] as const;
  };
  const [tree, collect] = family({});
  assert.deepEqual((await collect()).groups, { web: 3, db: 1 });
  // Its parent may exit; a child that starts later follows it, too.
  tree.remove(10);
  tree.set(12, { comm: 'shell', parent: 1 });
  tree.set(15, { comm: 'late', parent: 11, start: 200 });
  tree.set(16, { comm: 'late', parent: 14, start: 200 });
  tree.now += 700_000;
  assert.deepEqual((await collect()).groups, { web: 3, db: 1 });
  assert.deepEqual((await family({ children: false })[1]()).groups, { web: 1, db: 1 });
  assert.deepEqual((await family({ unmatched: 'other' })[1]()).groups, { web: 3, db: 1, __other__: 1 });
});

test('a cycle of parents terminates', async (t) => {
  const tree = new ProcTree(t);
  tree.set(7, { parent: 8 });
  tree.set(8, { parent: 7 });
  assert.deepEqual((await tree.collector({ process_names: [{ comm: ['web'] }] })()).groups, {});
});

test('a process that execs another program moves to that group, and its previous activity stays in the old one', async (t) => {
  const tree = new ProcTree(t);
  const collect = tree.collector({ process_names: [{ comm: ['web', 'sh'] }] });
  tree.set(7, { comm: 'sh' });
  await collect();
  tree.set(7, { comm: 'sh', ...user(1) });
  await collect();
  tree.set(7, { comm: 'web', argv: ['/bin/web'], ...user(3) });
  const seen = await collect();
  assert.deepEqual(seen.groups, { sh: 0, web: 1 });
  assert.equal(seen.of('sh', 'cpu_seconds_total', 'mode="user"'), 1);
  assert.equal(seen.of('web', 'cpu_seconds_total', 'mode="user"'), 2);
  tree.set(7, { comm: 'nobody', argv: ['x'], ...user(4) });
  assert.deepEqual((await collect()).groups, { sh: 0, web: 0 });
});

test('changed arguments are detected after the refresh interval', async (t) => {
  const tree = new ProcTree(t);
  const collect = tree.collector({ process_names: [{ name: '{{.ExeBase}}', cmdline: ['.+'] }] });
  tree.set(7, { comm: 'web', argv: ['starting'] });
  assert.deepEqual((await collect()).groups, { starting: 1 });
  tree.set(7, { comm: 'web', argv: ['serving'] });
  assert.deepEqual((await collect()).groups, { starting: 1 });
  tree.now += 600_000;
  assert.deepEqual((await collect()).groups, { starting: 0, serving: 1 });
});

test('the effective user has its name from the host, or its number', async (t) => {
  const tree = new ProcTree(t, { 'etc/passwd': 'web:x:33:33::/:\n' });
  tree.set(7, { comm: 'a', uid: 33 });
  tree.set(8, { comm: 'a', uid: 12345 });
  const collect = tree.collector({ process_names: [{ name: '{{.Comm}} {{.Username}}', comm: ['a'] }] });
  assert.deepEqual((await collect()).groups, { 'a web': 1, 'a 12345': 1 });
});

test('users are read again, as a name may be given to another number and a number to another name', async (t) => {
  const tree = new ProcTree(t, { 'etc/passwd': 'web:x:33:33::/:\n' });
  tree.set(7, { comm: 'a', uid: 33 });
  const collect = tree.collector({ process_names: [{ name: '{{.Username}}', comm: ['a'] }] });
  assert.deepEqual((await collect()).groups, { web: 1 });
  tree.write('etc/passwd', 'web:x:34:34::/:\nmail:x:33:33::/:\n');
  assert.deepEqual((await collect()).groups, { web: 1 });
  tree.now += 600_000;
  assert.deepEqual((await collect()).groups, { web: 0, mail: 1 });
});

test('a clock that is set back delays nothing that is read rarely', async (t) => {
  const tree = new ProcTree(t, { 'etc/passwd': 'web:x:33:33::/:\n' });
  const collect = tree.collector({ process_names: [{ name: '{{.ExeBase}} {{.Username}}', cmdline: ['.+'] }] });
  tree.set(7, { comm: 'a', uid: 33, argv: ['starting'], filesLimit: 10 });
  tree.set(8, { comm: 'a', uid: 33, argv: ['ending'], filesLimit: 10 });
  const limitOf = (seen: Seen, group: string) => seen.of(group, 'filedesc_limit');
  assert.equal(limitOf(await collect(), 'starting web'), 10);
  tree.remove(8);
  await collect();
  tree.now -= 5 * 3_600_000;
  tree.write('etc/passwd', 'mail:x:33:33::/:\n');
  tree.set(7, { comm: 'a', uid: 33, argv: ['serving'], filesLimit: 20 });
  const back = await collect();
  assert.equal(limitOf(back, 'serving mail'), 20);
  assert.deepEqual(back.groups, { 'starting web': 0, 'serving mail': 1, 'ending web': 0 });
  tree.now += 3_600_001;
  assert.deepEqual((await collect()).groups, { 'serving mail': 1 });
});

test('start times move with the clock when it is set, not when it is slewed', async (t) => {
  const tree = new ProcTree(t);
  tree.set(7, { comm: 'a', start: 5000 });
  const collect = tree.collector(BY_COMM);
  const started = async (bootTime: number) => {
    tree.write('proc/stat', `cpu  1 2 3\nbtime ${bootTime}\n`);
    return (await collect()).of('a', 'oldest_start_time_seconds');
  };
  assert.equal(await started(BOOT_TIME), BOOT_TIME + 50);
  tree.now += 60_000;
  assert.equal(await started(BOOT_TIME + 1), BOOT_TIME + 50);
  for (const hours of [5, -5]) {
    tree.now += hours * 3_600_000;
    assert.equal(await started(BOOT_TIME + hours * 3600), BOOT_TIME + hours * 3600 + 50);
  }
  // A small step, within the interval.
  tree.now += 70_000;
  assert.equal(await started(BOOT_TIME - 5 * 3600 + 10), BOOT_TIME - 5 * 3600 + 60);
});

test('groups beyond the limit are counted together', async (t) => {
  const tree = new ProcTree(t);
  for (let pid = 1; pid <= 5; pid++) tree.set(pid, { comm: `c${pid}` });
  const collect = tree.collector({ ...BY_COMM, maxGroups: 3, groupExpiry: '1s' });
  const seen = await collect();
  assert.deepEqual(seen.groups, { c1: 1, c2: 1, c3: 1, __other__: 2 });
  assert.equal(seen.series('scrape_overflow_procs'), 2);
  // Groups in `__other__` get their own series as soon as the limit allows.
  for (const pid of [1, 2]) tree.remove(pid);
  await collect();
  tree.now += 2000;
  await collect();
  const later = await collect();
  assert.deepEqual(later.groups, { c3: 1, __other__: 1, c4: 1 });
  assert.equal(later.series('scrape_overflow_procs'), 1);
});

test('processes over the limit are not read, but counted', async (t) => {
  const tree = new ProcTree(t);
  for (let pid = 1; pid <= 50; pid++) tree.set(pid, { comm: 'bomb' });
  const seen = await tree.collector({ ...BY_COMM, maxProcesses: 20 })();
  assert.deepEqual(seen.groups, { bomb: 20 });
  assert.equal(seen.series('scrape_skipped_procs'), 30);
});

test('the event loop is not blocked while 20,000 processes are read', { timeout: 180_000 }, async (t) => {
  const tree = new ProcTree(t);
  tree.set(1, { comm: 'a' });
  tree.set(2, { comm: 'b' });
  for (let pid = 3; pid <= 20_000; pid++) symlinkSync('1', tree.path(`${pid}`));
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  t.after(() => clearInterval(timer));
  const options = { process_names: [{ name: 'b', cmdline: ['b$'] }], unmatched: 'other' };
  const seen = await tree.collector(options)();
  assert.deepEqual([seen.groups, seen.losses], [{ b: 1, __other__: 19_999 }, []]);
  assert.ok(turns > 20, `${turns} turns`);
});

test('processes that end while they are read are not a loss, whatever is missing', async (t) => {
  const tree = new ProcTree(t);
  mkdirSync(tree.path('6'));
  tree.set(7, { comm: 'web', ...user(1) });
  const collect = tree.collector(BY_COMM);
  await collect();
  tree.set(7, { comm: 'web', ...user(2), read: 9 });
  for (const file of ['status', 'io', 'limits', 'cmdline', 'fd']) rmSync(tree.path('7', file), { recursive: true });
  const seen = await collect();
  assert.deepEqual([seen.losses, seen.groups], [[], { web: 1 }]);
  assert.equal(seen.of('web', 'cpu_seconds_total', 'mode="user"'), 1);
  assert.equal(seen.of('web', 'open_filedesc'), undefined);
});

test('unreadable files lose their series and are counted, never 0', async (t) => {
  const tree = new ProcTree(t);
  tree.set(7, { comm: 'web', read: 5 });
  tree.set(8, { comm: 'web', read: 5 });
  tree.set(9, { comm: 'db' });
  // A folder in place of a file is unreadable for root, too.
  const spoil = (...name: string[]) => {
    rmSync(tree.path(...name));
    mkdirSync(tree.path(...name));
  };
  for (const pid of ['7', '8', '9']) spoil(pid, 'limits');
  spoil('8', 'io');
  spoil('9', 'io');
  const collect = tree.collector(BY_COMM);
  await collect();
  const seen = await collect();
  assert.deepEqual(seen.losses, [
    'limits of 3 processes, one of them: cannot read 9/limits: EISDIR',
    'io of 2 processes, one of them: cannot read 9/io: EISDIR',
  ]);
  assert.equal(seen.series('scrape_partial_errors'), 6);
  assert.equal(seen.of('web', 'read_bytes_total'), 0, 'one process can be read');
  assert.equal(seen.of('db', 'read_bytes_total'), undefined);
  assert.equal(seen.of('db', 'worst_fd_ratio'), undefined);
  assert.equal(seen.of('db', 'open_filedesc'), 0);
});

test('a damaged stat loses one process, and a known one keeps its counts', async (t) => {
  const tree = new ProcTree(t);
  tree.set(7, { comm: 'web' });
  tree.set(8, { comm: 'db' });
  const collect = tree.collector(BY_COMM);
  await collect();
  writeFileSync(tree.path('7', 'stat'), '7 (web) S 1 2');
  const seen = await collect();
  assert.deepEqual(seen.losses, ['stat of a process: field 6 is not a number']);
  assert.equal(seen.series('scrape_procread_errors'), 1);
  tree.set(7, { comm: 'web', ...user(3) });
  assert.equal((await collect()).of('web', 'cpu_seconds_total', 'mode="user"'), 3);
});

test('zombies are processes without memory and files', async (t) => {
  const tree = new ProcTree(t);
  tree.set(7, { comm: 'web', state: 'Z', argv: [], files: 3 });
  const seen = await tree.collector({ process_names: [{ comm: ['web'], name: 'web', expected: true }] })();
  assert.equal(seen.of('web', 'num_procs'), 1);
  assert.equal(seen.of('web', 'states', 'state="Zombie"'), 1);
  assert.equal(seen.of('web', 'open_filedesc'), 0);
  assert.equal(seen.of('web', 'up'), 0);
});

test('names with any character result in series that receivers accept', async (t) => {
  const tree = new ProcTree(t);
  tree.set(7, { comm: 'a) R "b"\\\n', argv: ['x'.repeat(131_072)] });
  tree.set(8, { comm: Buffer.from([0x67, 0xc3]), argv: ['y'] });
  const seen = await tree.collector(BY_COMM)();
  assert.deepEqual(seen.groups, { 'a) R \\"b\\"\\\\\\n': 1, 'g\\\\xc3': 1 });
});

test('without procfs there is no data; if it cannot be listed that is an error', async (t) => {
  const tree = new ProcTree(t);
  rmSync(tree.path('stat'));
  const collect = tree.collector();
  assert.equal((await collect()).collected.result.outcome, 'nodata');
});

test('two concurrent collections run one after the other', async (t) => {
  const tree = new ProcTree(t);
  tree.set(7, { comm: 'web' });
  const collect = tree.collector(BY_COMM);
  const seen = await Promise.all([collect(), collect()]);
  assert.deepEqual(
    seen.map(({ groups }) => groups),
    [{ web: 1 }, { web: 1 }],
  );
});
