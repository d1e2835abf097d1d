import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseStat, processes } from '../../../src/collectors/node/processes.ts';
import { collectOnce } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';

const LIMITS = { 'proc/sys/kernel/threads-max': '7801\n', 'proc/sys/kernel/pid_max': '123\n' };
const stat = (name: string, state: string, threads: number) =>
  `1 (${name}) ${state} 0 1 1 0 -1 4194560 9061 9416027 94 2620 36 98 54406 13885 20 0 ${threads} 0 29 109604864\n`;

test('processes and threads are counted by state; the main thread has the state of its process', async (t) => {
  const { lines, result } = await collectOnce(
    processes,
    hostTree(t, {
      ...LIMITS,
      'proc/7/stat': stat('a', 'S', 3),
      'proc/7/task/7/stat': stat('a', 'R', 3),
      'proc/7/task/8/stat': stat('a', 'D', 3),
      'proc/7/task/9/comm': 'gone meanwhile',
      'proc/10/stat': stat('b', 'S', 1),
      'proc/11/comm': 'gone meanwhile',
    }),
  );
  assert.deepEqual(lines, [
    'node_processes_max_processes 123',
    'node_processes_max_threads 7801',
    'node_processes_pids 2',
    'node_processes_state{state="S"} 2',
    'node_processes_threads 4',
    'node_processes_threads_state{thread_state="D"} 1',
    'node_processes_threads_state{thread_state="S"} 1',
  ]);
  assert.equal(result.outcome, 'ok');
});

test('a name may contain spaces and parentheses', () => {
  assert.deepEqual(parseStat(stat('a) R (b', 'Z', 1)), { state: 'Z', threads: 1 });
});

test('a process with a damaged stat is skipped, the others are not', async (t) => {
  const files = { ...LIMITS, 'proc/7/stat': '7 (a) S 1 2', 'proc/8/stat': stat('b', 'S', 2), 'proc/9/stat': '' };
  const { lines, result } = await collectOnce(processes, hostTree(t, files));
  assert.equal(result.outcome, 'partial');
  assert.deepEqual(
    result.errors.map(({ message }) => message.replace(/\S*\/proc/, '')),
    [
      'process 7: /7/stat:1: expected a number, found nothing',
      'process 9: /9/stat:1: expected a state letter after the name in parentheses',
    ],
  );
  assert.ok(lines.includes('node_processes_pids 1'));
});
