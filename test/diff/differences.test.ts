import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differencesOf } from '../../src/diff/differences.ts';
import { REPLACED } from '../../src/diff/known.ts';
import { readingOf } from '../../src/diff/reading.ts';
import { isSame, type Judged } from '../../src/diff/report.ts';

const CADVISOR = REPLACED.find(({ program }) => program === 'cAdvisor');
const POD = 'id="/kubepods/burstable/pod1/c1",name="c1",namespace="shop",pod="web-1",container="web"';
/** The CPU time of a container at a given time, in seconds. */
const used = (nowMs: number) => nowMs / 4000;

interface Given {
  /** Our value at a given time, and theirs at the time of their timestamp. */
  readonly ours: (nowMs: number) => string;
  readonly theirs: (stampMs: number) => string;
  /** Maximum age of their values; they are read again after this time. */
  readonly every?: number;
}

/** Runs the comparison in virtual time; also returns how long it took. */
async function compared({ ours, theirs, every = 10_000 }: Given): Promise<Judged & { seconds: number }> {
  assert.ok(CADVISOR);
  const start = 1_000_000;
  let now = start;
  const at = (text: (ms: number) => string, moment: () => number) => ({
    read: async () => readingOf(text(moment())),
    close: () => undefined,
  });
  const judged = await differencesOf({
    replaced: CADVISOR,
    ours: at(ours, () => (now += 50)),
    theirs: at(theirs, () => Math.floor(now / every) * every),
    off: () => undefined,
    now: () => now,
    pause: async () => {
      now += 5000;
    },
    progress: () => undefined,
  });
  return { ...judged, seconds: (now - start) / 1000 };
}

const cpu = (ms: number) => `container_cpu_usage_seconds_total{${POD},cpu="total"} ${used(ms)}`;
const memory = (ms: number, bytes = 1e6) => `container_memory_rss{${POD}} ${bytes + (ms % 7)}`;

test('values that are seconds old are compared with ours of the same time', async () => {
  const theirs = (ms: number) => `${cpu(ms)} ${ms}\n${memory(ms)} ${ms}\n`;
  const judged = await compared({ ours: (ms) => `${cpu(ms)}\n${memory(ms)}\n`, theirs });
  assert.ok(isSame(judged), JSON.stringify(judged));
  assert.equal(judged.differences.compared, 2);
  const slow = await compared({ ours: (ms) => `${cpu(ms)}\n`, theirs: (ms) => `${cpu(ms)} ${ms}\n`, every: 60_000 });
  assert.ok(isSame(slow) && slow.seconds > 15, JSON.stringify(slow));
});

test('a different value is found, however it moves', async () => {
  const ahead = (ms: number) => `container_cpu_usage_seconds_total{${POD},cpu="total"} ${used(ms) + 9}`;
  const { differences } = await compared({
    ours: (ms) => `${ahead(ms)}\n${memory(ms, 3e6)}\n`,
    theirs: (ms) => `${cpu(ms)} ${ms}\n${memory(ms)} ${ms}\n`,
  });
  assert.deepEqual(
    differences.values.map(({ series }) => series.split('{')[0]),
    ['container_cpu_usage_seconds_total', 'container_memory_rss'],
  );
});

test('a container that only one side has is a difference, a cgroup of something else is not', async () => {
  const other = POD.replaceAll('c1', 'c2');
  const { differences, explained } = await compared({
    ours: (ms) => `${cpu(ms)}\n`,
    theirs: (ms) =>
      [
        cpu(ms),
        `container_memory_rss{${other}} 5`,
        cpu(ms).replace(POD, other),
        cpu(ms).replace(POD, 'id="/init.scope"'),
      ]
        .map((line) => `${line} ${ms}\n`)
        .join(''),
  });
  assert.deepEqual(differences.namesOnlyTheirs, [{ name: 'container_memory_rss', series: 1 }]);
  assert.equal(differences.seriesOnlyTheirs.length, 1);
  assert.match(differences.seriesOnlyTheirs.join(), /c2/);
  assert.deepEqual(
    explained.map(({ reason }) => reason),
    ['the cgroup does not belong to a pod'],
  );
});

test('a standalone cAdvisor is compared by path, with the sum of its CPUs', async () => {
  const theirs = (ms: number) =>
    ['cpu00', 'cpu01']
      .map(
        (name) =>
          `container_cpu_usage_seconds_total{id="/kubepods/burstable/pod1/c1",cpu="${name}"} ${used(ms) / 2} ${ms}`,
      )
      .concat('machine_memory_bytes{boot_id="b"} 42 7', '')
      .join('\n');
  const ours = (ms: number) => `${cpu(ms)}\nmachine_memory_bytes{boot_id="b"} 42\n`;
  const judged = await compared({ ours, theirs });
  assert.ok(isSame(judged), JSON.stringify(judged));
  assert.equal(judged.differences.compared, 2);
  const wrong = await compared({ ours: (ms) => ours(ms).replace('42', '41'), theirs });
  assert.deepEqual(
    wrong.differences.values.map(({ ours: here, theirs: there }) => [here[0], there[0]]),
    [[41, 42]],
  );
});

test('values that stay old are not compared, and are reported', async () => {
  const theirs = (ms: number) => `${cpu(ms)} 7\n${memory(ms)} ${ms}\n`;
  const { differences, explained, seconds } = await compared({ ours: (ms) => `${cpu(ms)}\n${memory(ms)}\n`, theirs });
  assert.equal(differences.compared, 1);
  assert.deepEqual(
    explained.map(({ what, reason }) => `${what.split('{')[0]}: ${reason}`),
    ['container_cpu_usage_seconds_total: no newer value of cAdvisor within 150 s'],
  );
  assert.ok(seconds >= 150);
});

test('on a host without pods there are no containers to compare, unless the other side has some', async () => {
  const machine = 'machine_memory_bytes{boot_id="b"} 42';
  const root = (ms: number) => `container_memory_rss{id="/"} 5 ${ms}\n${machine}\n`;
  const without = await compared({ ours: () => `${machine}\n`, theirs: root });
  assert.ok(isSame(without), JSON.stringify(without));
  const pods = await compared({ ours: () => `${machine}\n`, theirs: (ms) => `${root(ms)}${cpu(ms)} ${ms}\n` });
  assert.deepEqual(
    pods.differences.namesOnlyTheirs.map(({ name }) => name),
    ['container_memory_rss', 'container_cpu_usage_seconds_total'],
  );
});
