import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom } from '../kit/random.ts';
import { Timeline } from '../kit/timeline.ts';
import { LeaseServer, SimulatedProcess } from './lease-simulation.ts';

const OPTIONS = { namespace: 'shop', name: 'ksm', durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2000 };

/** Candidates that know each other's addresses, in virtual time; `cut` have no connection to the API server. */
function world(seed: string) {
  const timeline = new Timeline();
  const server = new LeaseServer();
  const processes: SimulatedProcess[] = [];
  const at: (() => SimulatedProcess)[] = [];
  const cut = new Set<string>();
  /** Starts another candidate; nothing listens at the address of one that has not started. */
  const start = (identity: string) => {
    const started = new SimulatedProcess(
      timeline,
      server,
      () => (cut.has(identity) ? 'lost' : 5),
      { ...OPTIONS, identity },
      1,
      randomFrom(`${seed} ${identity}`),
      { at, network: () => 5 },
      false,
    );
    processes.push(started);
    at.push(() => started);
    started.election.start();
    return started;
  };
  /** The number of leaders after each change, sampled every 50 ms. */
  const leaders = async (ms: number) => {
    const counts: number[] = [];
    for (const end = timeline.now + ms; timeline.now < end; await timeline.run(50)) {
      const count = processes.filter(({ isLeader }) => isLeader).length;
      if (counts.at(-1) !== count) counts.push(count);
    }
    return counts;
  };
  return { timeline, server, cut, start, leaders };
}

test('a candidate that starts after the Lease was deleted does not lead next to the leader, which creates it again', async () => {
  for (let offset = 0; offset < 20; offset++) {
    const { timeline, server, start, leaders } = world(`deleted ${offset}`);
    const leader = start('a');
    await timeline.run(10_000 + offset * 170);
    server.edit(() => undefined);
    start('b');
    assert.deepEqual(await leaders(30_000), [1], `${offset}`);
    assert.equal(leader.isLeader, true);
    assert.equal(server.lease?.spec?.holderIdentity, 'a');
  }
});

test('a candidate that finds no Lease waits for a leader without API server until its fence, then leads', async () => {
  const { timeline, server, cut, start, leaders } = world('cut off');
  const leader = start('a');
  await timeline.run(10_000);
  cut.add('a');
  server.edit(() => undefined);
  const fresh = start('b');
  assert.deepEqual(await leaders(13_000), [1, 0, 1]);
  assert.deepEqual([leader.isLeader, fresh.isLeader], [false, true]);
});

test('when that leader dies, the candidate leads at its next round', async () => {
  const { timeline, server, start } = world('killed');
  const leader = start('a');
  await timeline.run(10_000);
  server.edit(() => undefined);
  const fresh = start('b');
  await timeline.run(100);
  leader.kill();
  await timeline.run(2000);
  assert.equal(fresh.isLeader, true);
});

test('where nobody leads, the first candidates do not wait for each other', async () => {
  const { timeline, start } = world('first');
  const both = [start('a'), start('b')];
  await timeline.run(100);
  assert.deepEqual(both.filter(({ isLeader }) => isLeader).length, 1);
});
