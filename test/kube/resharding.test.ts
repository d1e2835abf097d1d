import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { Resharding, type ShardReport } from '../../src/kube/resharding.ts';

/** An agent as seen by its peers: leader of shard 0 of 1 that has listed everything, unless `different`. */
const agent = (different: Partial<ShardReport> = {}): ShardReport => ({
  ...{ shard: 0, totalShards: 1, isMaster: true, isSettled: true, isStopping: false },
  ...different,
});

/** A world whose clock only advances with sleeps; `peersAt` returns the peers at each second. */
function worldOf(
  own: ShardReport,
  peersAt: (second: number) => readonly ShardReport[],
  ownAt = (_second: number) => own,
) {
  const clock = { ms: 0 };
  const lines: string[] = [];
  const world = {
    own: () => ownAt(clock.ms / 1000),
    peers: async () => peersAt(clock.ms / 1000),
    sleep: async (ms: number) => {
      clock.ms += ms;
    },
    monotonicMs: () => clock.ms,
    log: createLog('info', { write: (line) => lines.push(line) }),
  };
  return { resharding: new Resharding(world), clock, lines };
}

const { signal } = new AbortController();

test('an agent is ready when all shards of its number are known, each with a leader', async () => {
  const own = agent({ totalShards: 2 });
  const old = agent();
  const { resharding, clock, lines } = worldOf(own, (second) => [
    ...(second < 9 ? [old] : []),
    ...(second < 3 ? [] : [agent({ shard: 1, totalShards: 2, isMaster: second >= 7, isSettled: second >= 5 })]),
  ]);
  assert.equal(resharding.ready, false);
  await resharding.watch(signal);
  assert.deepEqual([resharding.ready, clock.ms, lines], [true, 7000, []]);
});

test('an agent that has not listed everything does not check, and one that is stopping does not count', async () => {
  const other = { shard: 1, totalShards: 2 };
  const { resharding, clock } = worldOf(
    agent({ totalShards: 2 }),
    (second) => [agent({ ...other, isStopping: second < 6 })],
    (second) => agent({ totalShards: 2, isSettled: second >= 4 }),
  );
  await resharding.watch(signal);
  assert.equal(clock.ms, 6000);
});

test('after five minutes an agent is ready although a shard is missing, and reports it', async () => {
  const { resharding, clock, lines } = worldOf(agent({ totalShards: 2 }), () => []);
  await resharding.watch(signal);
  assert.deepEqual([resharding.ready, lines.length], [true, 1]);
  assert.ok(clock.ms > 300_000 && clock.ms < 305_000, String(clock.ms));
});

test('a leader continues until its shard has another agent, or all shards of another number are pushed', async () => {
  const own = agent({ shard: 3, totalShards: 4, isStopping: true });
  const replaced = worldOf(own, (second) => [
    own,
    ...(second < 2 ? [] : [agent({ shard: 3, totalShards: 4, isMaster: false })]),
  ]);
  await replaced.resharding.linger();
  assert.equal(replaced.clock.ms, 3000);
  // The other agent of a removed shard is stopped a moment later.
  const leaving = worldOf(own, (second) => [
    agent({ shard: 3, totalShards: 4, isMaster: false, isStopping: second >= 1 }),
    ...(second < 100 ? [] : [agent({ totalShards: 2 }), agent({ shard: 1, totalShards: 2 })]),
    agent({ totalShards: 2, isMaster: false }),
  ]);
  await leaving.resharding.linger();
  assert.deepEqual([leaving.clock.ms, leaving.lines], [100_000, []]);
  const fewer = worldOf(own, (second) => [
    agent({ totalShards: 2 }),
    agent({ shard: 1, totalShards: 2, isMaster: second >= 5 }),
  ]);
  await fewer.resharding.linger();
  assert.deepEqual([fewer.clock.ms, fewer.lines], [5000, []]);
});

test('no agent waits forever, and one that is not a leader or has no shards does not wait', async () => {
  const own = agent({ shard: 1, totalShards: 2, isStopping: true });
  const alone = worldOf(own, () => []);
  await alone.resharding.linger();
  assert.deepEqual([alone.clock.ms, alone.lines.length], [20_000, 1]);
  const stuck = worldOf(own, () => [agent({ totalShards: 4 })]);
  await stuck.resharding.linger();
  assert.deepEqual([stuck.clock.ms, stuck.lines.length], [240_000, 1]);
  for (const other of [agent({ ...own, isMaster: false }), agent({ isStopping: true })]) {
    const { resharding, clock } = worldOf(other, () => []);
    await resharding.linger();
    assert.equal(clock.ms, 0);
  }
  const { resharding, clock } = worldOf(
    own,
    () => [],
    (second) => agent({ ...own, isMaster: second < 3 }),
  );
  await resharding.linger();
  assert.equal(clock.ms, 3000);
});
