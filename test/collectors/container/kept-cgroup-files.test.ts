import assert from 'node:assert/strict';
import { readdirSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { randomFrom } from '../../kit/random.ts';
import { containerCycles, ofCgroup, V2Node } from './kit.ts';

const POD = '/kubepods/pod3307863b-88df-4b68-8327-ce4f0045f372';
const CONTAINER = `${POD}/${'a'.repeat(64)}`;

/** Files of this tree that this process has open. */
const openBelow = (root: string) =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(root);
    } catch {
      return false;
    }
  }).length;

/** Ways in which the text of a file changes: in place, through another file with its name, or in a new folder of that name. */
const CHANGES: readonly ((node: V2Node, file: string, text: string) => void)[] = [
  (node, file, text) => node.write(`sys/fs/cgroup${CONTAINER}/${file}`, text),
  (node, file, text) => {
    const path = join(node.paths.cgroup, CONTAINER, file);
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  },
  (node, file, text) => {
    node.remove(CONTAINER);
    node.makeCgroup(CONTAINER, { [file]: text }, 'app');
  },
];

/** By file: its text for a value, and the series with that value. */
const FILES: Readonly<Record<string, readonly [text: (value: number) => string, series: string]>> = {
  'cpu.stat': [
    (value) => `usage_usec ${value}000000\nuser_usec 1\nsystem_usec 1\n`,
    'container_cpu_usage_seconds_total{cpu="total"}',
  ],
  'memory.stat': [(value) => `anon ${value}\nfile 5000\ninactive_file 3000\n`, 'container_memory_rss{}'],
  'memory.current': [(value) => `${value}\n`, 'container_memory_usage_bytes{}'],
};

test('each change of an open file is detected in the next cycle', async (context) => {
  const node = new V2Node(context);
  node.makeCgroup(POD);
  node.makeCgroup(CONTAINER, {}, 'app');
  const cycle = containerCycles(node.paths, { keepOpen: 1500 });
  for (let round = 0; round < 3; round++) await cycle();
  assert.ok(openBelow(node.paths.cgroup) > 0, 'files are open');
  const seed = process.env.KEPT_SEED ?? '1';
  const random = randomFrom(seed);
  for (let round = 1; round <= 25; round++) {
    const file = random.pick(Object.keys(FILES));
    const [text, series] = FILES[file] as (typeof FILES)[string];
    const way = random.pick([0, 1, 2]);
    CHANGES[way]?.(node, file, text(round));
    // The labels of a recreated cgroup are known one cycle later.
    const { samples } = await cycle();
    assert.equal(
      ofCgroup(samples, CONTAINER).get(series),
      round,
      `KEPT_SEED=${seed}, round ${round}: ${file}, way ${way}`,
    );
  }
});

test('files of removed cgroups are closed, and none stays open without keepOpen', async (context) => {
  const node = new V2Node(context);
  node.makeCgroup(POD);
  const before = openBelow(node.paths.cgroup);
  const cycle = containerCycles(node.paths, { keepOpen: 1500 });
  await cycle();
  assert.equal(openBelow(node.paths.cgroup), before, 'a new cgroup may vanish soon');
  await cycle();
  const without = openBelow(node.paths.cgroup);
  for (let round = 0; round < 5; round++) {
    node.makeCgroup(CONTAINER, {}, 'app');
    await cycle();
    await cycle();
    assert.equal(openBelow(node.paths.cgroup), without + 3);
    node.remove(CONTAINER);
    await cycle();
    assert.equal(openBelow(node.paths.cgroup), without);
  }
  const closed = new V2Node(context);
  closed.makeCgroup(POD);
  const plain = containerCycles(closed.paths, { keepOpen: 0 });
  for (let round = 0; round < 3; round++) await plain();
  assert.equal(openBelow(closed.paths.cgroup), 0);
});
