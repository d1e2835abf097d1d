import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { OWN_PAGE_BYTES, ProcTree } from './proc-tree.ts';

// All samples of the collector, with all its options: test/declared-families.test.ts requires one of each family.

const OPTIONS = {
  process_names: [
    { name: 'web', comm: ['web'], expectedPorts: [80, 443] },
    { name: 'db', comm: ['db'], expected: true },
  ],
  ...{ threads: true, wchan: true, smaps: true, ports: true, topN: 1, maxProcesses: 4, slowInterval: '0s' },
};

/** Of /proc/net/tcp, proc_pid_net(5): a socket that listens on port 80. */
const LISTENING =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n' +
  '   0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 700 1\n';

/** After two cycles, 10 s apart. Counters begin at the first one. */
const EXPECTED: readonly string[] = [
  'namedprocess_namegroup_context_switches_total{groupname="web",ctxswitchtype="nonvoluntary"} 12',
  'namedprocess_namegroup_context_switches_total{groupname="web",ctxswitchtype="voluntary"} 10',
  'namedprocess_namegroup_cpu_seconds_total{groupname="web",mode="system"} 4',
  'namedprocess_namegroup_cpu_seconds_total{groupname="web",mode="user"} 2',
  'namedprocess_namegroup_filedesc_limit{groupname="web"} 16',
  'namedprocess_namegroup_listening_port{groupname="web",protocol="tcp",address="127.0.0.1",port="80"} 1',
  'namedprocess_namegroup_major_page_faults_total{groupname="web"} 6',
  'namedprocess_namegroup_memory_bytes{groupname="web",memtype="proportionalResident"} 8192',
  'namedprocess_namegroup_memory_bytes{groupname="web",memtype="proportionalSwapped"} 1024',
  `namedprocess_namegroup_memory_bytes{groupname="web",memtype="resident"} ${10 * OWN_PAGE_BYTES}`,
  'namedprocess_namegroup_memory_bytes{groupname="web",memtype="swapped"} 3072',
  'namedprocess_namegroup_memory_bytes{groupname="web",memtype="virtual"} 9000',
  'namedprocess_namegroup_minor_page_faults_total{groupname="web"} 8',
  'namedprocess_namegroup_num_procs{groupname="web"} 1',
  'namedprocess_namegroup_num_threads{groupname="web"} 2',
  'namedprocess_namegroup_oldest_start_time_seconds{groupname="web"} 1700000050',
  'namedprocess_namegroup_open_filedesc{groupname="web"} 4',
  'namedprocess_namegroup_port_open{groupname="web",protocol="tcp",port="443"} 0',
  'namedprocess_namegroup_port_open{groupname="web",protocol="tcp",port="80"} 1',
  'namedprocess_namegroup_read_bytes_total{groupname="web"} 20',
  'namedprocess_namegroup_states{groupname="web",state="Other"} 0',
  'namedprocess_namegroup_states{groupname="web",state="Running"} 1',
  'namedprocess_namegroup_states{groupname="web",state="Sleeping"} 1',
  'namedprocess_namegroup_states{groupname="web",state="Waiting"} 0',
  'namedprocess_namegroup_states{groupname="web",state="Zombie"} 0',
  'namedprocess_namegroup_thread_context_switches_total{groupname="web",threadname="main",ctxswitchtype="nonvoluntary"} 12',
  'namedprocess_namegroup_thread_context_switches_total{groupname="web",threadname="main",ctxswitchtype="voluntary"} 10',
  'namedprocess_namegroup_thread_context_switches_total{groupname="web",threadname="pool",ctxswitchtype="nonvoluntary"} 0',
  'namedprocess_namegroup_thread_context_switches_total{groupname="web",threadname="pool",ctxswitchtype="voluntary"} 0',
  'namedprocess_namegroup_thread_count{groupname="web",threadname="main"} 1',
  'namedprocess_namegroup_thread_count{groupname="web",threadname="pool"} 1',
  'namedprocess_namegroup_thread_cpu_seconds_total{groupname="web",threadname="main",mode="system"} 4',
  'namedprocess_namegroup_thread_cpu_seconds_total{groupname="web",threadname="main",mode="user"} 2',
  'namedprocess_namegroup_thread_cpu_seconds_total{groupname="web",threadname="pool",mode="system"} 0',
  'namedprocess_namegroup_thread_cpu_seconds_total{groupname="web",threadname="pool",mode="user"} 1',
  'namedprocess_namegroup_thread_io_bytes_total{groupname="web",threadname="main",iomode="read"} 20',
  'namedprocess_namegroup_thread_io_bytes_total{groupname="web",threadname="main",iomode="write"} 40',
  'namedprocess_namegroup_thread_io_bytes_total{groupname="web",threadname="pool",iomode="read"} 0',
  'namedprocess_namegroup_thread_io_bytes_total{groupname="web",threadname="pool",iomode="write"} 0',
  'namedprocess_namegroup_thread_major_page_faults_total{groupname="web",threadname="main"} 6',
  'namedprocess_namegroup_thread_major_page_faults_total{groupname="web",threadname="pool"} 0',
  'namedprocess_namegroup_thread_minor_page_faults_total{groupname="web",threadname="main"} 8',
  'namedprocess_namegroup_thread_minor_page_faults_total{groupname="web",threadname="pool"} 0',
  'namedprocess_namegroup_threads_wchan{groupname="web",wchan="ep_poll"} 1',
  'namedprocess_namegroup_uptime_seconds{groupname="web"} 960',
  'namedprocess_namegroup_up{groupname="web"} 1',
  'namedprocess_namegroup_worst_fd_ratio{groupname="web"} 0.25',
  'namedprocess_namegroup_write_bytes_total{groupname="web"} 40',
  'namedprocess_namegroup_youngest_start_time_seconds{groupname="web"} 1700000050',
  'namedprocess_scrape_errors 0',
  'namedprocess_scrape_overflow_procs 0',
  'namedprocess_scrape_partial_errors 2',
  'namedprocess_scrape_procread_errors 1',
  'namedprocess_scrape_skipped_procs 2',
  'namedprocess_top_cpu_cores{groupname="web",slot="0"} 0.6',
  'namedprocess_top_pid{groupname="web",by="cpu",slot="0"} 7',
  'namedprocess_top_pid{groupname="web",by="memory",slot="0"} 7',
  `namedprocess_top_resident_bytes{groupname="web",slot="0"} ${10 * OWN_PAGE_BYTES}`,
];

test('all samples of a group, of its threads and of the collector', async (t) => {
  const tree = new ProcTree(t);
  const collect = tree.collector(OPTIONS);
  const web = (n: number) => {
    const activity = { user: 100 * n, system: 200 * n, read: 10 * n, written: 20 * n, majorFaults: 3 * n };
    const more = { minorFaults: 4 * n, switches: [5 * n, 6 * n] as const };
    tree.set(7, {
      ...{ comm: 'web', start: 5000, threads: 2, pages: 10, virtual: 9000, swapKib: 3, files: 4, filesLimit: 16 },
      ...activity,
      ...more,
    });
    tree.set('7/task/7', { comm: 'main', start: 5000, threads: 2, ...activity, ...more });
    tree.set('7/task/71', { comm: 'pool', start: 5001, threads: 2, state: 'R', user: 50 * n });
    writeFileSync(tree.path('7/task/7/wchan'), 'ep_poll');
    writeFileSync(tree.path('7/task/71/wchan'), '0');
    writeFileSync(tree.path('7/smaps_rollup'), '7f00-7fff ---p 0 0 0 [rollup]\nRss: 9 kB\nPss: 8 kB\nSwapPss: 1 kB\n');
  };
  web(1);
  mkdirSync(tree.path('7/ns'));
  symlinkSync('net:[1]', tree.path('7/ns/net'));
  mkdirSync(tree.path('7/net'));
  writeFileSync(tree.path('7/net/tcp'), LISTENING);
  // More processes than the limit, one without a readable io file, one with a damaged stat file.
  for (const pid of [80, 82, 83, 84]) tree.set(pid, { comm: 'other' });
  tree.set(81, { comm: 'db' });
  rmSync(tree.path('81/io'));
  mkdirSync(tree.path('81/io'));
  await collect();
  writeFileSync(tree.path('80/stat'), '80 (other) S 1 2');
  web(3);
  tree.now += 10_000;
  const { lines } = (await collect()).collected;
  assert.deepEqual(
    lines.filter((line) => !line.includes('"db"')),
    EXPECTED,
  );
});

test('cycles in which the processes cannot be listed are counted', async (t) => {
  const tree = new ProcTree(t);
  const collect = tree.collector(OPTIONS);
  await collect();
  renameSync(tree.paths.procfs, `${tree.paths.procfs}.away`);
  await collect();
  renameSync(`${tree.paths.procfs}.away`, tree.paths.procfs);
  assert.ok((await collect()).collected.lines.includes('namedprocess_scrape_errors 1'));
});
