import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inotifyFaults, NO_FAULTS } from '../../kit/inotify-faults.ts';
import { type Random, randomFrom } from '../../kit/random.ts';
import { ChangingNode, PODS } from './changing-node.ts';
import { containerCycles, namesOf } from './kit.ts';

// A collector that runs all the time shows the same as one that has just started, whatever changes between two cycles. The
// exceptions are documented: a cgroup that has ended is reported once more, also one of which a file is missing; the soft
// limit of open files may be ten cycles old.

/** For another seed: LONG_LIVED_SEED=7 node --test test/collectors/container/long-lived.test.ts */
const SEED = process.env.LONG_LIVED_SEED ?? '1';
const ROUNDS = Number(process.env.LONG_LIVED_ROUNDS ?? '120');
const OPTIONS = {
  families: 'kubelet',
  extra: ['memory', 'creation', 'hugetlb'],
  slices: ['/system.slice/*', '/single.slice', '/outer.slice/inner.service'],
};
const NOW = 1_795_224_360_000;

const faults = inotifyFaults();

const IN_DELETE_SELF = 0x400;
const IN_MOVE_SELF = 0x800;

/** How the kernel's inotify works in a test, by its name. */
const SITUATIONS: Readonly<Record<string, (random: Random) => Partial<typeof NO_FAULTS>>> = {
  // The kernel reports the end of a cgroup only in the folder above.
  'as it should': () => ({ reported: NO_FAULTS.reported & ~(IN_DELETE_SELF | IN_MOVE_SELF) }),
  'without an instance': () => ({ refusesAll: true }),
  'without some watches': (random) => ({ refuses: () => random.chance(0.3) }),
};

/** Of which the collector may show an old value, or the last ones of ended cgroups. */
const isExcepted = (series: string, ids: ReadonlySet<string>) => {
  const id = /id="([^"]*)"/.exec(series)?.[1];
  return series.startsWith('container_ulimits_soft') || (id !== undefined && id !== '/' && !ids.has(id));
};

for (const [situation, faultsOf] of Object.entries(SITUATIONS)) {
  test(`a collector that runs all the time shows what a new one shows, inotify working ${situation}`, {
    timeout: 300_000,
  }, async (context) => {
    const random = randomFrom(`${SEED} ${situation}`);
    Object.assign(faults, NO_FAULTS, faultsOf(random));
    const changing = new ChangingNode(context, random);
    const { paths } = changing.node;
    const names = await namesOf(PODS);
    const options = { ...OPTIONS, keepOpen: random.pick([0, 1500]) };
    const newCycles = () => containerCycles(paths, options, names, () => NOW);
    const cycle = newCycles();
    let compared = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const changes = Array.from({ length: random.below(4) }, () => changing.change());
      const { samples } = await cycle();
      // The new one reads everything; besides, a user has 128 instances for all tests that run at the same time.
      Object.assign(faults, NO_FAULTS, { refusesAll: true });
      // The first cycle does not know all containers of a pod when the pod is read.
      const fresh = newCycles();
      await fresh();
      const expected = (await fresh()).samples;
      Object.assign(faults, NO_FAULTS, faultsOf(random));
      const ids = new Set(changing.ids);
      const what = `LONG_LIVED_SEED=${SEED}, round ${round}: ${changes.join(', ')}`;
      const shown = (all: ReadonlyMap<string, number>) =>
        [...all]
          .filter(([series]) => !isExcepted(series, ids))
          .map(([series, value]) => `${series} ${value}`)
          .sort();
      const [own, others] = [shown(samples), shown(expected)];
      assert.deepEqual(
        {
          missing: others.filter((one) => !own.includes(one)).slice(0, 5),
          wrong: own.filter((one) => !others.includes(one)).slice(0, 5),
        },
        { missing: [], wrong: [] },
        what,
      );
      compared += own.length;
    }
    assert.ok(compared > ROUNDS * 100, `${compared} samples compared`);
    context.diagnostic(`seed ${SEED}: ${ROUNDS} rounds, ${compared} samples compared`);
  });
}
