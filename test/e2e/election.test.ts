import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type NodePods, POD_INFO_PATH } from '../../src/kube/pod-info.ts';
import { hungReceiver } from '../kit/hung-receiver.ts';
import { serverAvailable } from '../kit/servers.ts';
import { type StateAgent, StateAgents } from '../kit/state-agents.ts';
import { ends, storage, storedGap } from '../kit/stored-state.ts';

const LEASE_MS = 15_000;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_MS = 2000;
/** From a release to the next leader's push: less than the Lease's duration, and than the interval between pushes. */
const HANDOVER_MS = 8000;
/** Allowance for a busy machine. */
const SLACK_MS = 5000;
const EVERY_SECOND = ['--push.interval', '1s', '--push.phase', '0s'];

/** Two agents; the first one is the leader and has pushed. */
async function pair(context: TestContext, flags: readonly string[]) {
  const agents = await StateAgents.start(context, flags);
  const began = performance.now();
  const leader = await agents.add('state-0');
  await agents.pushes('state-0', began);
  const standby = await agents.add('state-1');
  await standby.printed(/another candidate holds the Lease/);
  return { agents, leader, standby };
}

const signal = ({ child }: StateAgent, name: NodeJS.Signals): number => {
  child.kill(name);
  return performance.now();
};

/** When the Lease was first released after `since`, as the API server recorded it. */
const releaseAfter = ({ writes }: StateAgents, since: number): number =>
  writes.find(({ holder, at }) => holder === '' && at > since)?.at ?? Number.NaN;

describe('two state agents share one Lease', { concurrency: true, timeout: 300_000 }, () => {
  test('the leader is killed: the standby pushes within lease duration and retry period', async (t) => {
    const { agents, leader } = await pair(t, ['--push.interval', '15s']);
    const killed = signal(leader, 'SIGKILL');
    const pushed = await agents.pushes('state-1', killed);
    assert.ok(pushed - killed <= LEASE_MS + RETRY_MS, `after ${pushed - killed} ms`);
    assert.deepEqual(agents.strayUploads(LEASE_MS), []);
  });

  test('the leader of a pair that follows Leases is killed: the watch of the standby costs no time', async (t) => {
    const resources = 'collectors.ksm.resources=["pods","deployments","leases"]';
    const { agents, leader, standby } = await pair(t, ['--push.interval', '15s', '--set', resources]);
    // Two renewals that only the watch has shown.
    const renewals = agents.writes.length + 2;
    await agents.until('two renewals', () => agents.writes.length >= renewals);
    const killed = signal(leader, 'SIGKILL');
    const pushed = await agents.pushes('state-1', killed);
    assert.ok(pushed - killed <= LEASE_MS + RETRY_MS, `after ${pushed - killed} ms`);
    assert.deepEqual(agents.strayUploads(LEASE_MS), []);
    const rows = await (await fetch(`${standby.url}/v1/collectors`)).text();
    assert.match(rows, /"leases"/);
  });

  test('the leader is stopped cleanly: it pushes a last time, and the standby pushes soon after its release', async (t) => {
    const { agents, leader, standby } = await pair(t, ['--push.interval', '15s']);
    const stopped = signal(leader, 'SIGTERM');
    const [pushed, { code }] = await Promise.all([agents.pushes('state-1', stopped), leader.ended]);
    const released = releaseAfter(agents, stopped);
    assert.ok(pushed - released <= HANDOVER_MS, `after ${pushed - released} ms`);
    assert.equal(code, 0);
    assert.ok(agents.uploads.some(({ by, at }) => by === 'state-0' && at > stopped));
    assert.deepEqual(agents.strayUploads(LEASE_MS), []);
    assert.match(standby.stderr(), /"reason":"the Lease was free","msg":"became leader"/);
  });

  test('the leader is stopped while a receiver hangs: the handover does not wait for the receiver', async (t) => {
    const hung = JSON.stringify({ type: 'vmagent', url: await hungReceiver(t) });
    const { agents, leader } = await pair(t, ['--push.interval', '15s', '--set', `exporters.hung=${hung}`]);
    const stopped = signal(leader, 'SIGTERM');
    const [pushed, [{ code }, ended]] = await Promise.all([
      agents.pushes('state-1', stopped),
      leader.ended.then((result) => [result, performance.now()] as const),
    ]);
    const released = releaseAfter(agents, stopped);
    assert.ok(pushed - released <= HANDOVER_MS, `after ${pushed - released} ms`);
    // The leader itself waits for the receiver.
    assert.ok(pushed < ended, `${pushed - ended} ms after its end`);
    assert.equal(code, 0);
    assert.deepEqual(agents.strayUploads(LEASE_MS), []);
  });

  test('the leader is suspended for 30 s: it sends nothing when it continues', async (t) => {
    if (!serverAvailable(t, 'victoria-metrics')) return;
    const { vm, flags } = await storage(t);
    const { agents, leader } = await pair(t, [...EVERY_SECOND, ...flags]);
    const stopped = signal(leader, 'SIGSTOP');
    agents.cluster.remove('/api/v1/pods', 'default/crash');
    const began = await agents.pushes('state-1', stopped);
    await setTimeout(30_000 - (performance.now() - stopped));
    const woken = signal(leader, 'SIGCONT');
    await leader.printed(/"msg":"lost leadership"/);
    await agents.pushesAgain('state-1', 5);
    await ends(vm, 'crash', began - 500);
    assert.ok((await storedGap(vm)) < LEASE_MS + RETRY_MS + SLACK_MS, `a gap of ${await storedGap(vm)} ms`);
    assert.deepEqual(
      agents.uploads.filter(({ by, at }) => by === 'state-0' && at > woken),
      [],
    );
    assert.deepEqual(agents.strayUploads(LEASE_MS), []);
    // It is a standby again.
    const [next] = agents.writes.slice(-1);
    assert.equal(next?.holder, 'state-1');
    assert.match(leader.stderr(), /"holder":"state-1","msg":"another candidate holds the Lease"/);
  });

  test('the leader loses the API server: it stops pushing before the standby starts', async (t) => {
    const { agents, leader } = await pair(t, EVERY_SECOND);
    leader.proxy.cut();
    const cut = performance.now();
    const began = await agents.pushes('state-1', cut);
    await agents.pushesAgain('state-1', 3);
    const last = agents.uploads.findLast(({ by }) => by === 'state-0');
    const renewed = agents.writes.findLast(({ holder }) => holder === 'state-0');
    assert.ok(last && renewed && last.at - renewed.at < RENEW_DEADLINE_MS + 2000, 'it stops at its renew deadline');
    assert.ok(began - last.at > LEASE_MS - RENEW_DEADLINE_MS - 2500, 'there is a pause between the two');
    // The last renewal may be 3.3 s older than the cut.
    assert.ok(last.at - renewed.at > RENEW_DEADLINE_MS - 1500, 'until then it continues');
    assert.deepEqual(agents.strayUploads(LEASE_MS), []);
  });

  test('leader and standby return the same responses to node agents', async (t) => {
    const { leader, standby } = await pair(t, EVERY_SECOND);
    const path = `${POD_INFO_PATH}?nodeName=node1`;
    const first = await fetch(leader.url + path);
    assert.equal(first.status, 200);
    assert.equal(((await first.json()) as NodePods).pods.length, 13);
    const headers = { 'if-none-match': first.headers.get('etag') ?? '' };
    // The standby may still be listing.
    const deadline = AbortSignal.timeout(60_000);
    let second = await fetch(standby.url + path, { headers, signal: deadline });
    while (second.status === 503) {
      await setTimeout(50);
      second = await fetch(standby.url + path, { headers, signal: deadline });
    }
    assert.equal(second.status, 304);
  });

  test('the same series continue in VictoriaMetrics, with a gap of less than lease duration and interval', async (t) => {
    if (!serverAvailable(t, 'victoria-metrics')) return;
    const { vm, flags } = await storage(t);
    const { agents, leader } = await pair(t, ['--push.interval', '5s', ...flags]);
    // Right after a push, so that the gap is as long as possible.
    await agents.pushes('state-0', performance.now());
    await setTimeout(200);
    const killed = signal(leader, 'SIGKILL');
    const killedAt = Date.now();
    await agents.pushes('state-1', killed);
    // The pushed samples of all series do not become visible simultaneously.
    const deadline = AbortSignal.timeout(60_000);
    let series = await vm.export('{__name__=~"kube_pod.+"}');
    while (!series.every(({ timestamps }) => (timestamps.at(-1) ?? 0) > killedAt)) {
      deadline.throwIfAborted();
      await setTimeout(100);
      series = await vm.export('{__name__=~"kube_pod.+"}');
    }
    assert.ok(series.length > 100);
    for (const { metric, timestamps } of series) {
      const name = JSON.stringify(metric);
      assert.doesNotMatch(name, /state-[01]/);
      assert.ok((timestamps[0] ?? killedAt) < killedAt, `${name} is new`);
      const gap = Math.max(...timestamps.slice(1).map((stamp, index) => stamp - (timestamps[index] ?? 0)));
      assert.ok(gap < LEASE_MS + 5000, `${name} has a gap of ${gap} ms`);
    }
  });
});
