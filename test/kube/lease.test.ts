import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Registry } from 'prom-client';
import { sleep } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { ApiError, type KubeRequest } from '../../src/kube/api.ts';
import { soleLeader } from '../../src/kube/election.ts';
import { LeaseElection } from '../../src/kube/lease.ts';
import type { Lease } from '../../src/kube/lease-record.ts';
import { type FakeApiServer, recorded, startFakeApi } from '../kit/fake-api-server.ts';
import { randomFrom } from '../kit/random.ts';
import { Timeline } from '../kit/timeline.ts';
import { clientOf, eventually } from './follow.ts';
import { LeaseServer, SimulatedProcess } from './lease-simulation.ts';

const LEASES = '/apis/coordination.k8s.io/v1/leases';
const OPTIONS = { namespace: 'shop', name: 'ksm', durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2000 };

/** A candidate on the fake API server, in real time, with its results. */
function candidateOf(context: TestContext, server: FakeApiServer, identity: string) {
  const registry = new Registry();
  const lines: string[] = [];
  const calls: string[] = [];
  const { client } = clientOf(context, server);
  const election = new LeaseElection(
    { ...OPTIONS, identity, retryMs: 20 },
    {
      api: client,
      registry,
      log: createLog('info', { write: (line: string) => void lines.push(line) }),
      monotonicMs: () => performance.now(),
      wallMs: Date.now,
      random: Math.random,
      sleep,
    },
    { onLeader: () => calls.push('leader'), onStandby: () => calls.push('standby') },
  );
  context.after(() => election.stop());
  const said = () =>
    lines.map((line) => JSON.parse(line)).map(({ msg, reason, holder }) => [msg, reason ?? holder].join(': '));
  return { election, registry, calls, said };
}

const leaseOf = (server: FakeApiServer) => server.cluster.collection(LEASES).objects.get('shop/ksm') as Lease;

test('the first candidate creates the Lease, the second waits, and takes over when it is released', async (t) => {
  const server = await startFakeApi(t);
  const first = candidateOf(t, server, 'state-0');
  first.election.start();
  assert.equal(first.election.isLeader(), false);
  await eventually(() => first.election.isLeader(), 'the first is leader');
  const { spec } = leaseOf(server);
  assert.equal(spec?.holderIdentity, 'state-0');
  assert.equal(spec.leaseDurationSeconds, 15);
  assert.equal(spec.leaseTransitions, 0);
  assert.match(spec.acquireTime ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  const second = candidateOf(t, server, 'state-1');
  second.election.start();
  await eventually(() => second.election.status.holder === 'state-0', 'the second sees the first');
  await eventually(() => leaseOf(server).spec?.renewTime !== spec.renewTime, 'the first renews');
  assert.equal(leaseOf(server).spec?.acquireTime, spec.acquireTime);
  assert.equal(second.election.isLeader(), false);
  await first.election.stop();
  assert.equal(first.election.isLeader(), false);
  await eventually(() => second.election.isLeader(), 'the second is leader');
  assert.equal(leaseOf(server).spec?.leaseTransitions, 1);
  assert.deepEqual(first.calls, ['leader', 'standby']);
  assert.deepEqual(second.calls, ['leader']);
  assert.deepEqual(first.said(), [
    'became leader: the Lease did not exist',
    'lost leadership: the agent is stopping',
    'released the Lease: ',
  ]);
  assert.deepEqual(second.said(), ['another candidate holds the Lease: state-0', 'became leader: the Lease was free']);
});

test('a released Lease has no holder, and expires after a second for candidates that do not know releases', async (t) => {
  const server = await startFakeApi(t);
  const { election } = candidateOf(t, server, 'state-0');
  election.start();
  await eventually(() => election.isLeader(), 'it is leader');
  assert.deepEqual(Object.keys(leaseOf(server).metadata?.annotations ?? {}), ['firesteel/holder-process']);
  await election.stop();
  const { metadata, spec } = leaseOf(server);
  assert.deepEqual([spec?.holderIdentity, spec?.leaseDurationSeconds, metadata?.annotations], ['', 1, {}]);
});

test('the self metrics report the leader, since when, and failures', async (t) => {
  const server = await startFakeApi(t);
  server.fail('get', { status: 403, body: recorded('api/pods-403.txt') });
  const { election, registry, said } = candidateOf(t, server, 'state-0');
  const value = async (name: string) => (await registry.getSingleMetric(name)?.get())?.values[0];
  assert.deepEqual(await value('firesteel_leader'), { value: 0, labels: { lease: 'ksm' } });
  election.start();
  await eventually(() => election.isLeader(), 'it is leader');
  assert.equal((await value('firesteel_leader'))?.value, 1);
  assert.equal((await value('firesteel_lease_errors_total'))?.value, 1);
  assert.equal((await value('firesteel_lease_transitions'))?.value, 0);
  assert.ok(
    Math.abs(Number((await value('firesteel_lease_last_renewal_timestamp_seconds'))?.value) - Date.now() / 1000) < 10,
  );
  assert.deepEqual(
    said().map((line) => line.split(':', 1)[0]),
    ['leader election failed; retrying', 'leader election recovered', 'became leader'],
  );
});

/** A Lease that another process holds for the next minute; `holder` is its identity. */
const heldByAnother = (server: FakeApiServer, holder = 'old'): Lease =>
  server.cluster.put(LEASES, {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace: 'shop', name: 'ksm' },
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: 60,
      leaseTransitions: 1,
      renewTime: '2026-11-30T12:00:00.000000Z',
    },
  } as Lease) as Lease;

for (const kind of ['get', 'update'] as const) {
  for (const status of [401, 403, 500]) {
    test(`a standby whose ${kind} of the Lease gets ${status} is not ready, and says why; once ready it stays so`, async (t) => {
      const server = await startFakeApi(t);
      const held = heldByAnother(server);
      server.fail(
        kind,
        { status, body: recorded('api/pods-403.txt') },
        { path: LEASES, times: Number.POSITIVE_INFINITY },
      );
      const { election, said } = candidateOf(t, server, 'state-0');
      assert.match(election.unready ?? '', /^election: the Lease shop\/ksm has not been read yet/);
      election.start();
      const wanted = new RegExp(`^election: .*leases/ksm.*: ${status} `);
      await eventually(() => wanted.test(election.unready ?? ''), 'the reason');
      assert.match(election.status.failure ?? '', new RegExp(`: ${status} `));
      const { length } = server.requests;
      await eventually(() => server.requests.length > length + 6, 'more rounds');
      assert.equal(said().filter((line) => line.startsWith('leader election failed')).length, 1);
      server.heal();
      await eventually(() => election.unready === undefined, 'readiness');
      await eventually(() => election.status.failure === undefined, 'the end of the failure');
      assert.equal(leaseOf(server).metadata?.resourceVersion, held.metadata?.resourceVersion, 'nothing was written');
      assert.equal(election.isLeader(), false);
      const asked = server.count('update');
      await server.stop();
      await eventually(() => election.status.failure !== undefined, 'the outage');
      assert.equal(election.unready, undefined, 'a later outage does not remove readiness');
      assert.equal(server.count('update'), asked, 'it tries to write until it knows');
    });
  }
}

test('after a restart with the same identity, the log says that the previous process holds the Lease, not another candidate', async (t) => {
  const server = await startFakeApi(t);
  heldByAnother(server, 'state-0');
  const { election, said } = candidateOf(t, server, 'state-0');
  election.start();
  await eventually(() => said().length > 0, 'a line');
  const { length } = server.requests;
  await eventually(() => server.requests.length > length + 6, 'more rounds');
  assert.deepEqual(said(), [
    'a previous process with this identity holds the Lease; waiting for it to expire: state-0',
  ]);
  assert.equal(election.isLeader(), false);
});

test('without the namespace of the Lease a candidate is not ready, and says why', async (t) => {
  const server = await startFakeApi(t);
  const body = JSON.stringify({
    kind: 'Status',
    code: 404,
    reason: 'NotFound',
    message: 'namespaces "shop" not found',
  });
  server.fail('create', { status: 404, body }, { path: LEASES, times: Number.POSITIVE_INFINITY });
  const { election } = candidateOf(t, server, 'state-0');
  election.start();
  await eventually(() => /^election: .*404 namespaces "shop" not found/.test(election.unready ?? ''), 'the reason');
  server.heal();
  await eventually(() => election.isLeader(), 'it is leader');
  assert.equal(election.unready, undefined);
});

test('an edit that keeps the holder does not end leadership; other labels and annotations are kept', async (t) => {
  const server = await startFakeApi(t);
  const { election, calls } = candidateOf(t, server, 'state-0');
  election.start();
  await eventually(() => election.isLeader(), 'it is leader');
  const lease = leaseOf(server);
  const annotations = { ...lease.metadata?.annotations, note: 'mine' };
  const { spec } = server.cluster.put(LEASES, { ...lease, metadata: { ...lease.metadata, annotations } }) as Lease;
  await eventually(() => leaseOf(server).spec?.renewTime !== spec?.renewTime, 'it renews');
  assert.equal(leaseOf(server).metadata?.annotations?.note, 'mine');
  assert.deepEqual(calls, ['leader']);
});

test('a response that is not a Lease does not create a leader', async (t) => {
  const server = await startFakeApi(t);
  server.fail('get', { status: 200, body: '{"kind":"Status"}' }, { times: 3 });
  const { election, calls } = candidateOf(t, server, 'state-0');
  election.start();
  await eventually(() => server.count('get') >= 3, 'it asked');
  assert.deepEqual(calls, []);
  await eventually(() => election.isLeader(), 'it is leader');
});

test('without an election an agent is leader from start to end', async () => {
  const registry = new Registry();
  const calls: string[] = [];
  const election = soleLeader(registry, {
    onLeader: () => calls.push('leader'),
    onStandby: () => calls.push('standby'),
  });
  assert.equal(election.isLeader(), false);
  election.start();
  assert.equal(election.isLeader(), true);
  assert.match(await registry.metrics(), /^firesteel_leader\{lease=""\} 1$/m);
  election.retire();
  assert.equal(election.isLeader(), true, 'for the last push');
  assert.match(await registry.metrics(), /^firesteel_leader\{lease=""\} 0$/m);
  await election.stop();
  assert.deepEqual(calls, ['leader', 'standby']);
});

/** Two candidates in virtual time; `a` is leader. `run(ms)` advances and returns the leader at each change. */
async function elected() {
  const timeline = new Timeline();
  const server = new LeaseServer();
  const cut = { a: false, b: false };
  const link = { delayMs: 10 };
  const random = randomFrom('lease');
  const make = (name: 'a' | 'b') =>
    new SimulatedProcess(
      timeline,
      server,
      () => (cut[name] ? 'lost' : link.delayMs),
      { ...OPTIONS, identity: name },
      1,
      random,
    );
  const a = make('a');
  const b = make('b');
  const state = () => `${a.isLeader ? 'a' : ''}${b.isLeader ? 'b' : ''}`;
  const run = async (ms: number) => {
    const changes: [seconds: number, leaders: string][] = [];
    const began = timeline.now;
    // Checked every 50 ms, because leadership also ends between events.
    const look = () => {
      if (changes.at(-1)?.[1] !== state()) changes.push([(timeline.now - began) / 1000, state()]);
      if (timeline.now - began < ms) timeline.in(50, look);
    };
    look();
    while (timeline.now - began < ms) await timeline.step();
    return changes;
  };
  a.election.start();
  await run(1000);
  b.election.start();
  await run(5000);
  assert.equal(state(), 'a');
  return { server, a, b, cut, link, run };
}

test('when the leader dies, the other takes over after at most lease duration and retry period', async () => {
  for (let time = 0; time < 20; time++) {
    const { a, run } = await elected();
    await run(time * 100);
    a.kill();
    const [, after] = await run(20_000);
    assert.equal(after?.[1], 'b');
    assert.ok(after[0] > 11.5 && after[0] < 17, `${after[0]} s`);
  }
});

test('a leader without connection stops five seconds before the other may begin', async () => {
  const { cut, run } = await elected();
  cut.a = true;
  const [, none, next, ...more] = await run(60_000);
  assert.deepEqual([none?.[1], next?.[1], more], ['', 'b', []]);
  assert.ok(Number(none?.[0]) <= 10);
  assert.ok(Number(next?.[0]) - Number(none?.[0]) >= 5);
});

test('an API server that takes 3.9 s for each response does not end leadership', async () => {
  const { link, run } = await elected();
  link.delayMs = 3900 / 2;
  assert.deepEqual(await run(600_000), [[0, 'a']]);
});

test('a leader that was suspended for 30 s is no longer leader when it continues, before anything else happens', async () => {
  const { a, b, run } = await elected();
  a.stop();
  await run(30_000);
  assert.equal(a.isLeader, false);
  assert.equal(b.isLeader, true);
  a.continue();
  assert.deepEqual(await run(60_000), [[0, 'b']]);
});

test('an unresponsive API server delays the shutdown by at most three seconds', async () => {
  const { a, cut, run } = await elected();
  cut.a = true;
  let stopped = false;
  const stopping = a.election.stop().then(() => {
    stopped = true;
  });
  assert.equal(a.isLeader, false);
  await run(3100);
  assert.equal(stopped, true);
  await stopping;
});

test('an API server that is down for all ends leadership; the same agent continues afterwards, without a transition', async () => {
  const { server, cut, run } = await elected();
  cut.a = true;
  cut.b = true;
  await run(12_000);
  cut.a = false;
  const changes = await run(30_000);
  assert.deepEqual(
    changes.map(([, leaders]) => leaders),
    ['', 'a'],
  );
  assert.equal(server.lease?.spec?.leaseTransitions, 0);
});

const change = (spec: Lease['spec']) => (lease: Lease) => ({ ...lease, spec: { ...lease.spec, ...spec } });

test('a Lease that is deleted or emptied manually is not taken from a running leader', async () => {
  for (const edit of [() => undefined, change({ holderIdentity: '' }), change({ holderIdentity: 'b' })]) {
    const { server, run } = await elected();
    server.edit(edit);
    const leaders = (await run(60_000)).map(([, names]) => names);
    assert.ok(!leaders.includes('ab'), String(leaders));
    assert.match(leaders.at(-1) ?? '', /^[ab]$/);
  }
});

test('a longer duration in the record is respected, but not forever', async () => {
  const { server, a, run } = await elected();
  a.kill();
  server.edit(change({ leaseDurationSeconds: 60 }));
  const [, first] = await run(70_000);
  assert.ok(Number(first?.[0]) > 60 && Number(first?.[0]) < 62);
  const again = await elected();
  again.a.kill();
  again.server.edit(change({ leaseDurationSeconds: 1e9 }));
  const [, second] = await again.run(400_000);
  assert.ok(Number(second?.[0]) > 300 && Number(second?.[0]) < 302);
});

test('a manually edited counter does not block all candidates', async () => {
  for (const leaseTransitions of [2 ** 31 - 1, -7, 1.5, null]) {
    const { server, a, run } = await elected();
    a.kill();
    server.edit(change({ leaseTransitions }));
    await run(20_000);
    const count = server.lease?.spec?.leaseTransitions;
    assert.ok(count === 0 || count === 1, String(count));
  }
});

for (const followsLeases of [false, true]) {
  const polls = followsLeases ? 'no polls' : '9 to 11 polls';
  test(`without failures a pair makes few requests: 18 to 22 renewals a minute and ${polls}, and more after a failure`, async () => {
    const timeline = new Timeline();
    const server = new LeaseServer();
    const requests = { get: 0, put: 0 };
    const { answer } = server;
    server.answer = (request) => {
      if (request.method === 'PUT') requests.put++;
      else if (request.method === undefined) requests.get++;
      return answer.call(server, request);
    };
    const processes: SimulatedProcess[] = [];
    let isCut: boolean = false;
    for (const identity of ['a', 'b']) {
      const neighbours = { at: [0, 1].map((at) => () => processes[at] as SimulatedProcess), network: () => 1 };
      const network = () => (isCut && identity === 'a' ? 'lost' : 1);
      const made = new SimulatedProcess(
        timeline,
        server,
        network,
        { ...OPTIONS, identity },
        1,
        randomFrom(identity),
        neighbours,
        followsLeases,
      );
      processes.push(made);
      made.election.start();
      await timeline.run(1000);
    }
    // Until the standby is connected to the holder.
    await timeline.run(10_000);
    Object.assign(requests, { get: 0, put: 0 });
    await timeline.run(60_000);
    assert.ok(requests.put >= 18 && requests.put <= 22, `${requests.put} renewals`);
    const [fewest, most] = followsLeases ? [0, 0] : [9, 11];
    assert.ok(requests.get >= (fewest as number) && requests.get <= (most as number), `${requests.get} polls`);
    // One renewal hangs for two fifths of the deadline; the next one is in time.
    isCut = true;
    await timeline.run(7000);
    isCut = false;
    await timeline.run(1100);
    assert.equal(processes[0]?.isLeader, true);
    assert.equal(processes[0]?.election.status.withoutLease, false);
  });
}

/** A leader without watch and a standby that follows Leases, in virtual time, 20 s after the standby began. */
async function followed() {
  const timeline = new Timeline();
  const server = new LeaseServer();
  const make = (identity: string, followsLeases: boolean) => {
    const options = { ...OPTIONS, identity };
    return new SimulatedProcess(timeline, server, () => 1, options, 1, randomFrom(identity), undefined, followsLeases);
  };
  const leader = make('a', false);
  const standby = make('b', true);
  leader.election.start();
  await timeline.run(1000);
  const first = structuredClone(server.lease) as Lease;
  standby.election.start();
  await timeline.run(20_000);
  return { timeline, server, leader, standby, first };
}

test('a standby takes over when a watch shows that the Lease was released; older records and other Leases change nothing', async () => {
  const { timeline, server, leader, standby, first } = await followed();
  // Without polls, each request is a renewal of the leader.
  let requests = 0;
  const { answer } = server;
  server.answer = (request) => {
    requests++;
    return answer.call(server, request);
  };
  const released = { ...first, metadata: { name: first.metadata?.name ?? '' }, spec: { holderIdentity: '' } };
  standby.election.shows({ ...released, metadata: { ...first.metadata, annotations: {} } });
  standby.election.shows({ ...released, metadata: { namespace: 'shop', name: 'other', resourceVersion: '99' } });
  await timeline.run(500);
  assert.ok(requests <= 1, `${requests} requests`);
  void leader.election.stop();
  await timeline.run(100);
  assert.equal(standby.isLeader, true);
});

test('a silently broken watch delays the takeover by less than five seconds', async () => {
  for (let time = 0; time < 12; time++) {
    const { timeline, server, leader, standby } = await followed();
    server.watchers.clear();
    await timeline.run(time * 1000);
    leader.kill();
    const killed = timeline.now;
    while (!standby.isLeader) await timeline.run(50);
    assert.ok(timeline.now - killed < 20_000, `${timeline.now - killed} ms, broken ${time} s before`);
  }
});

test('a leader that loses the Lease because each renewal conflicts says so', async () => {
  const timeline = new Timeline();
  const server = new LeaseServer();
  const lines: string[] = [];
  const election = new LeaseElection(
    { ...OPTIONS, identity: 'a' },
    {
      api: { json: async <T>(request: KubeRequest) => structuredClone(server.answer(request)) as T },
      registry: new Registry(),
      log: createLog('info', { write: (line: string) => void lines.push(line) }),
      monotonicMs: () => timeline.now,
      wallMs: () => timeline.now,
      random: () => 0.5,
      sleep: (ms, signal) => timeline.sleep(ms, signal),
    },
  );
  election.start();
  await timeline.run(1000);
  const { answer } = server;
  server.answer = (request) => {
    if (request.method === 'PUT') throw new ApiError(`PUT ${request.path}`, 409, 'modified');
    return answer.call(server, request);
  };
  await timeline.run(20_000);
  assert.match(lines.at(-1) ?? '', /the Lease was not renewed in time: PUT .* 409 modified.*"lost leadership"/);
});
