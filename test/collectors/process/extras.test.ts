import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { OWN_PAGE_BYTES, ProcTree } from './proc-tree.ts';

test('an expected group is down while it has no process, and is exposed even if it never had one', async (t) => {
  const tree = new ProcTree(t);
  const collect = tree.collector({
    process_names: [
      { name: 'db', cmdline: ['postgres'], expected: true },
      { comm: ['web'], name: '{{.Comm}}', expected: true },
    ],
  });
  const up = async () => {
    const seen = await collect();
    return [seen.of('db', 'up'), seen.of('web', 'up')];
  };
  tree.set(7, { comm: 'web' });
  assert.deepEqual(await up(), [0, 1]);
  tree.set(8, { argv: ['postgres'] });
  tree.remove(7);
  assert.deepEqual(await up(), [1, 0]);
});

const row = (number: number, local: string, state: string, inode: string) =>
  `   ${number}: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1\n`;

test('ports on which groups listen, by network namespace, and expected ones that are closed', async (t) => {
  const tree = new ProcTree(t);
  const inNamespace = (pid: number, inode: number, tcp: string) => {
    mkdirSync(tree.path(`${pid}/ns`));
    symlinkSync(`net:[${inode}]`, tree.path(`${pid}/ns/net`));
    mkdirSync(tree.path(`${pid}/net`));
    writeFileSync(tree.path(`${pid}/net/tcp`), `  sl  local_address ...\n${tcp}`);
  };
  // The files of a process n are the sockets n00, n01, ...
  tree.set(7, { comm: 'web', files: 2 });
  tree.set(8, { comm: 'web', files: 2 });
  tree.set(9, { comm: 'db', files: 1 });
  const host =
    row(0, '00000000:0050', '0A', '701') +
    row(1, '0100007F:1F90', '0A', '800') +
    row(2, '0100007F:2328', '0A', '12345') +
    row(3, '0100007F:2329', '01', '700') +
    row(4, '0100007F:2329', '0A', '700');
  inNamespace(7, 1, host);
  inNamespace(8, 1, host);
  inNamespace(9, 2, row(0, '0200000A:1538', '0A', '900'));
  const collect = tree.collector({
    process_names: [
      { name: 'web', comm: ['web'], expectedPorts: [80, 443] },
      { name: 'db', comm: ['db'] },
    ],
    ports: true,
  });
  const seen = await collect();
  const isListening = (group: string, address: string, port: number) =>
    seen.of(group, 'listening_port', `protocol="tcp",address="${address}",port="${port}"`);
  assert.equal(isListening('web', '0.0.0.0', 80), 1);
  assert.equal(isListening('web', '127.0.0.1', 8080), 1);
  assert.equal(isListening('db', '10.0.0.2', 5432), 1);
  assert.equal(seen.collected.lines.filter((line) => line.includes('listening_port')).length, 3);
  const isOpen = (port: number) => seen.of('web', 'port_open', `protocol="tcp",port="${port}"`);
  assert.deepEqual([isOpen(80), isOpen(443)], [1, 0]);
  assert.deepEqual(seen.losses, []);
  // An unreadable process may have it open.
  tree.set(11, { comm: 'web', files: 1 });
  inNamespace(11, 3, '');
  rmSync(tree.path('11/ns/net'));
  writeFileSync(tree.path('11/ns/net'), '');
  rmSync(tree.path('11/net'), { recursive: true });
  const blind = await collect();
  assert.equal(blind.of('web', 'port_open', 'protocol="tcp",port="80"'), 1);
  assert.equal(blind.of('web', 'port_open', 'protocol="tcp",port="443"'), undefined);
  tree.remove(11);
  // The process that had it open ends; the next one is found.
  tree.remove(7);
  symlinkSync('socket:[701]', tree.path('8/fd/9'));
  assert.equal((await collect()).of('web', 'port_open', 'protocol="tcp",port="80"'), 1);
  rmSync(tree.path('8/fd/9'));
  writeFileSync(tree.path('8/net/tcp'), '  sl\n');
  assert.equal((await collect()).of('web', 'port_open', 'protocol="tcp",port="80"'), 0);
});

test('a port belongs to the process that has it open now, also if the one before passed it on and continues', async (t) => {
  const tree = new ProcTree(t);
  for (const pid of [7, 8]) {
    tree.set(pid, { comm: `p${pid}`, files: 2 });
    for (const folder of ['ns', 'net']) mkdirSync(tree.path(`${pid}/${folder}`));
    symlinkSync('net:[1]', tree.path(`${pid}/ns/net`));
    writeFileSync(tree.path(`${pid}/net/tcp`), `  sl\n${row(0, '0100007F:0050', '0A', '701')}`);
  }
  const collect = tree.collector({ process_names: [{ name: '{{.Comm}}', cmdline: ['.+'] }], ports: true });
  const owners = async () => {
    const seen = await collect();
    const port = 'protocol="tcp",address="127.0.0.1",port="80"';
    return ['p7', 'p8'].filter((group) => seen.of(group, 'listening_port', port) === 1);
  };
  assert.deepEqual(await owners(), ['p7']);
  symlinkSync('socket:[701]', tree.path('8/fd/5'));
  assert.deepEqual(await owners(), ['p7'], 'both have it');
  rmSync(tree.path('7/fd/1'));
  assert.deepEqual(await owners(), ['p8']);
  // Its number is that of another file now.
  rmSync(tree.path('8/fd/5'));
  symlinkSync('socket:[9]', tree.path('8/fd/5'));
  assert.deepEqual(await owners(), []);
});

test('the top processes by CPU time and memory keep their slots while they are among them', async (t) => {
  const tree = new ProcTree(t);
  const collect = tree.collector({ process_names: [{ comm: ['a', 'b', 'c'] }], topN: 2 });
  const used = { a: 0, b: 0, c: 0 };
  const spend = async (seconds: Readonly<Record<keyof typeof used, number>>) => {
    for (const [index, comm] of (['a', 'b', 'c'] as const).entries()) {
      used[comm] += seconds[comm] * 100;
      tree.set(7 + index, { comm, user: used[comm], pages: 10 - index });
    }
    tree.now += 10_000;
    const { lines } = (await collect()).collected;
    const top = lines.filter((line) => line.startsWith('namedprocess_top_'));
    return top.map((line) => line.replaceAll(/namedprocess_top_|groupname=|slot=|by=|"/g, ''));
  };
  const memory = [
    'pid{a,memory,0} 7',
    'pid{b,memory,1} 8',
    `resident_bytes{a,0} ${10 * OWN_PAGE_BYTES}`,
    `resident_bytes{b,1} ${9 * OWN_PAGE_BYTES}`,
  ];
  assert.deepEqual(await spend({ a: 0, b: 0, c: 0 }), memory);
  const both = await spend({ a: 5, b: 10, c: 1 });
  assert.deepEqual(both, [
    'cpu_cores{a,1} 0.5',
    'cpu_cores{b,0} 1',
    'pid{a,cpu,1} 7',
    ...memory.slice(0, 1),
    'pid{b,cpu,0} 8',
    ...memory.slice(1),
  ]);
  const changed = await spend({ a: 2, b: 0, c: 9 });
  assert.deepEqual(changed.slice(0, 3), ['cpu_cores{a,1} 0.2', 'cpu_cores{c,0} 0.9', 'pid{a,cpu,1} 7']);
});

test('threads by name; their states; context switches of all threads, including exited ones', async (t) => {
  const tree = new ProcTree(t);
  const collect = tree.collector({ process_names: [{ comm: ['jvm'] }], threads: true, wchan: true });
  const thread = (tid: number, comm: string, user: number, state = 'S', wchan = 'futex_wait') => {
    tree.set(`7/task/${tid}`, { comm, user, state, read: user, switches: [user, 0], threads: 3 });
    writeFileSync(tree.path(`7/task/${tid}/wchan`), wchan);
  };
  const process = (user: number) => tree.set(7, { comm: 'jvm', threads: 3, user, switches: [user, 0] });
  const switches = 'ctxswitchtype="voluntary"';
  process(100);
  thread(7, 'jvm', 100);
  thread(8, 'gc', 200, 'R', '0');
  thread(9, 'gc', 300);
  tree.set(6, { comm: 'jvm', state: 'D' });
  await collect();
  process(150);
  thread(7, 'jvm', 150);
  thread(8, 'gc', 210, 'R', '0');
  tree.remove('7/task/9');
  thread(10, 'gc', 40);
  const seen = await collect();
  assert.equal(seen.of('jvm', 'thread_count', 'threadname="gc"'), 2);
  assert.equal(seen.of('jvm', 'thread_cpu_seconds_total', 'threadname="jvm",mode="user"'), 0.5);
  assert.equal(seen.of('jvm', 'thread_cpu_seconds_total', 'threadname="gc",mode="user"'), 0.1);
  assert.equal(seen.of('jvm', 'thread_io_bytes_total', 'threadname="gc",iomode="read"'), 10);
  assert.equal(seen.of('jvm', 'thread_context_switches_total', `threadname="gc",${switches}`), 10);
  assert.equal(seen.of('jvm', 'context_switches_total', switches), 50 + 10 + 40);
  const states = ['Running', 'Sleeping', 'Waiting'].map((state) => seen.of('jvm', 'states', `state="${state}"`));
  assert.deepEqual(states, [1, 2, 1]);
  assert.equal(seen.of('jvm', 'threads_wchan', 'wchan="futex_wait"'), 2);
  // A name that is absent in a cycle starts again.
  tree.remove('7/task/8');
  tree.remove('7/task/10');
  assert.equal((await collect()).of('jvm', 'thread_count', 'threadname="gc"'), undefined);
});

test('without the option threads their context switches are read periodically', async (t) => {
  const tree = new ProcTree(t);
  const collect = tree.collector({ process_names: [{ comm: ['jvm'] }] });
  const set = (main: number, other: number) => {
    tree.set(7, { comm: 'jvm', threads: 2, switches: [main, 0] });
    tree.set('7/task/7', { switches: [main, 0] });
    tree.set('7/task/8', { switches: [other, 0] });
  };
  const switches = async () => (await collect()).of('jvm', 'context_switches_total', 'ctxswitchtype="voluntary"');
  set(10, 100);
  assert.equal(await switches(), 0);
  set(11, 150);
  assert.equal(await switches(), 1);
  tree.now += 60_000;
  assert.equal(await switches(), 51);
  set(11, 30);
  tree.now += 60_000;
  assert.equal(await switches(), 81, 'another thread with the same id');
});

test('proportional memory is read in rotation, and exposed once it is known for all', async (t) => {
  const tree = new ProcTree(t);
  const options = { process_names: [{ comm: ['a', 'big'] }], smaps: true, smapsPerCycle: 2, smapsMaxRss: '4MiB' };
  const collect = tree.collector(options);
  for (const pid of [7, 8, 9]) {
    tree.set(pid, { comm: 'a', pages: 1 });
    writeFileSync(
      tree.path(`${pid}/smaps_rollup`),
      `7f00-7fff ---p 0 0 0 [rollup]\nRss: 9 kB\nPss: ${pid} kB\nSwapPss: 1 kB\n`,
    );
  }
  tree.set(10, { comm: 'big', pages: 100_000 });
  const proportional = async (group: string) =>
    (await collect()).of(group, 'memory_bytes', 'memtype="proportionalResident"');
  assert.equal(await proportional('a'), undefined, 'two of three');
  assert.equal(await proportional('a'), (7 + 8 + 9) * 1024);
  assert.equal(await proportional('big'), undefined);
});

test('proportional memory that can no longer be read is not that of before', async (t) => {
  const tree = new ProcTree(t);
  const collect = tree.collector({ process_names: [{ comm: ['a'] }], smaps: true });
  tree.set(7, { comm: 'a', pages: 1 });
  writeFileSync(tree.path('7/smaps_rollup'), 'Rss: 9 kB\nPss: 7 kB\nSwapPss: 1 kB\n');
  const proportional = async () => (await collect()).of('a', 'memory_bytes', 'memtype="proportionalResident"');
  assert.equal(await proportional(), 7 * 1024);
  rmSync(tree.path('7/smaps_rollup'));
  mkdirSync(tree.path('7/smaps_rollup'));
  for (let cycle = 0; cycle < 3; cycle++) assert.equal(await proportional(), undefined);
});

test('where the kernel does not report the number of open files they are counted, rarely for many', async (t) => {
  const tree = new ProcTree(t);
  const collect = tree.collector({ process_names: [{ comm: ['a'] }] });
  const openFiles = async (files: number) => {
    tree.set(7, { comm: 'a', files, fileSlots: 16_384 });
    return (await collect()).of('a', 'open_filedesc');
  };
  assert.equal(await openFiles(3), 3);
  assert.equal(await openFiles(5), 3);
  tree.now += 60_000;
  assert.equal(await openFiles(5), 5);
});
