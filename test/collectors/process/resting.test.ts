import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { CollectorSpec } from '../../../src/collectors/collector.ts';
import { processCollector } from '../../../src/collectors/process/index.ts';
import { DEFAULT_PATHS } from '../../../src/host/paths.ts';
import { collectorOn } from '../../kit/collect.ts';
import { randomFrom } from '../../kit/random.ts';
import { type Fake, PATIENCE_MS, ProcTree, Seen } from './proc-tree.ts';

// status and io of a process that has not run are not read: a change must show in the next cycle nevertheless.

const NO_SWAP = 'Filename Type Size Used Priority\n';
const SWAP = `${NO_SWAP}/dev/sda2 partition 1 0 -2\n`;

test('status and io are not read while schedstat stays the same', async (t) => {
  const { set, seen } = oneProcess(t);
  for (const [schedstat, count, shown] of [
    ['5 1 1', 5, 0],
    ['5 1 1', 6, 1],
    ['5 1 1', 7, 1],
    ['5 1 1', 8, 1],
    ['6 1 1', 9, 4],
    ['6 1 1', 10, 5],
    ['6 1 1', 11, 5],
  ] as const) {
    set({ schedstat: `${schedstat}\n`, switches: [count, 2 * count], read: count });
    assert.deepEqual(await seen(), { switches: shown, forced: 2 * shown, read: shown, swapped: 0 });
  }
});

for (const [what, schedstat] of [
  ['has no schedstat', undefined],
  ['does not count', '0 0 0\n'],
] as const) {
  test(`they are read in every cycle if the kernel ${what}`, async (t) => {
    const { set, seen } = oneProcess(t);
    for (let count = 0; count < 5; count++) {
      set({ schedstat, switches: [count, 0], read: count });
      assert.deepEqual(await seen(), { switches: count, forced: 0, read: count, swapped: 0 });
    }
  });
}

test('what the system does to a process that has not run shows in the next cycle', async (t) => {
  const { tree, set, seen } = oneProcess(t);
  const swapped = async (swaps: string, swapKib: number) => {
    writeFileSync(tree.path('swaps'), swaps);
    set({ schedstat: '5 1 1\n', swapKib });
    return (await seen()).swapped;
  };
  for (let cycle = 0; cycle < 3; cycle++) assert.equal(await swapped(NO_SWAP, 0), 0);
  assert.equal(await swapped(SWAP, 4), 4096);
  assert.equal(await swapped(SWAP, 8), 8192);
  assert.equal(await swapped(NO_SWAP, 0), 0, 'swapoff has read all of it back');
});

test('a file that was malformed is read again at the next refresh, also if the process has not run', async (t) => {
  const { tree, set, seen } = oneProcess(t);
  set({ schedstat: '5 1 1\n', read: 1 });
  writeFileSync(tree.path('7/io'), 'malformed\n');
  for (let cycle = 0; cycle < 3; cycle++) assert.equal((await seen()).read, undefined);
  set({ schedstat: '5 1 1\n', read: 1 });
  tree.now += 600_000;
  assert.equal((await seen()).read, 0);
});

/** The properties of a process that change only while one of its threads runs. */
interface Life {
  threads: number;
  ran: number;
  switches: number;
  read: number;
}

const ROUNDS = 400;

test('every change shows in the next cycle, whatever a process and its threads do', async (t) => {
  const { tree, set, seen } = oneProcess(t);
  const random = randomFrom('resting');
  const life: Life = { threads: 1, ran: 1, switches: 0, read: 0 };
  let swapKib = 0;
  let hasSwap = false;
  const deeds: readonly (() => void)[] = [
    () => {},
    () => {},
    () => runOnce(life),
    () => startThread(life),
    () => endThread(life),
    () => {
      hasSwap = !hasSwap;
      swapKib = 0;
      writeFileSync(tree.path('swaps'), hasSwap ? SWAP : NO_SWAP);
    },
    () => {
      if (hasSwap) swapKib++;
    },
  ];
  const write = () => {
    const { threads, ran, switches, read } = life;
    set({ threads, schedstat: `${ran} 0 ${ran}\n`, switches: [switches, 0], read, swapKib });
  };
  write();
  await seen();
  for (let round = 0; round < ROUNDS; round++) {
    for (let count = random.below(3); count > 0; count--) random.pick(deeds)();
    if (life.threads > 1) life.read++;
    write();
    tree.now += 1000;
    const { switches, read, swapped } = await seen();
    const expected = { switches: life.switches, read: life.read, swapped: swapKib * 1024 };
    assert.deepEqual({ switches, read, swapped }, expected, `round ${round}`);
  }
});

function runOnce(life: Life): void {
  life.ran++;
  life.switches++;
  life.read++;
}

function startThread(life: Life): void {
  runOnce(life);
  life.threads++;
}

/** The first thread runs to start another, but not when that ends. */
function endThread(life: Life): void {
  if (life.threads === 1) return;
  life.read++;
  life.threads--;
}

/** Runs as often as it gets a line, between which it waits. */
const WAITER = 'while read -r line; do echo "$line"; done';

test('the context switches of a real process are those of its status in every cycle', async (t) => {
  const name = `firesteel-waiter-${process.pid}`;
  const child = spawn('bash', ['-c', WAITER], { argv0: name, stdio: ['pipe', 'pipe', 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  const runIt = async () => {
    child.stdin.write('once\n');
    await once(child.stdout, 'data');
  };
  await runIt();
  const options = { process_names: [{ name: 'it', cmdline: [`^${name} `] }] };
  const spec = processCollector() as unknown as CollectorSpec;
  const collect = collectorOn(spec, DEFAULT_PATHS, options, Date.now, PATIENCE_MS);
  let first: number | undefined;
  let most = 0;
  for (let round = 0; round < 60; round++) {
    if (round % 7 < 3) await runIt();
    const before = switchesOf(child.pid);
    const seen = new Seen(await collect());
    const after = switchesOf(child.pid);
    // It has just written: it may be about to wait.
    if (before !== after) continue;
    first ??= after;
    most = after - first;
    assert.equal(seen.of('it', 'context_switches_total', 'ctxswitchtype="voluntary"'), most, `round ${round}`);
  }
  assert.ok(most >= 10, `only ${most} context switches`);
});

const switchesOf = (pid: number | undefined): number =>
  Number(/^voluntary_ctxt_switches:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);

/** A host without swap, with a process in the group `a`. */
function oneProcess(t: TestContext) {
  const tree = new ProcTree(t, { 'proc/swaps': NO_SWAP });
  const collect = tree.collector({ process_names: [{ comm: ['a'] }] });
  return {
    tree,
    set: (fake: Fake) => tree.set(7, { comm: 'a', ...fake }),
    seen: async () => {
      const seen = await collect();
      return {
        switches: seen.of('a', 'context_switches_total', 'ctxswitchtype="voluntary"'),
        forced: seen.of('a', 'context_switches_total', 'ctxswitchtype="nonvoluntary"'),
        read: seen.of('a', 'read_bytes_total'),
        swapped: seen.of('a', 'memory_bytes', 'memtype="swapped"'),
      };
    },
  };
}
