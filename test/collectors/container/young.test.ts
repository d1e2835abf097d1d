import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerCycles, namesOf, ofCgroup, podOf, V2Node } from './kit.ts';

const UID = '3307863b-88df-4b68-8327-ce4f0045f372';
const POD = `/kubepods/pod${UID}`;
const ID = 'a'.repeat(64);
const CONTAINER = `${POD}/${ID}`;

const LIMITS = ['spec_memory_limit_bytes', 'spec_cpu_shares', 'spec_cpu_quota', 'spec_cpu_period'].map(
  (name) => `container_${name}{}`,
);

// The runtime first creates the folder, then writes the limits, then starts the process.
for (const [step, writeLimits] of [
  ['before the second cycle', 1],
  ['before the third cycle', 2],
] as const) {
  test(`a container observed from its mkdir on has correct limits as soon as they are written: ${step}`, async (context) => {
    const node = new V2Node(context);
    node.makeCgroup(POD);
    const names = await namesOf([podOf('web', UID, { main: `containerd://${ID}` })]);
    const cycle = containerCycles(node.paths, { families: 'kubelet' }, names);
    await cycle();
    // As created by the kernel: no limit, no process.
    node.makeCgroup(CONTAINER, { 'cpu.weight': '100\n' });
    let seen = await cycle();
    for (let count = 1; count <= writeLimits; count++) {
      if (count === writeLimits) {
        node.makeCgroup(
          CONTAINER,
          { 'cpu.weight': '20\n', 'cpu.max': '50000 100000\n', 'memory.max': '67108864\n' },
          'app',
        );
      }
      seen = await cycle();
    }
    const series = ofCgroup(seen.samples, CONTAINER);
    assert.deepEqual(
      LIMITS.map((name) => series.get(name)),
      [67_108_864, 500, 50_000, 100_000],
      [...series.keys()].join('\n'),
    );
    assert.deepEqual(
      seen.results.filter(({ collector }) => collector === 'container').flatMap(({ errors }) => errors),
      [],
    );
  });
}
