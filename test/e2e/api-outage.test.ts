import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { serverAvailable } from '../kit/servers.ts';
import { type Acquaintance, StateAgents, type Upload } from '../kit/state-agents.ts';
import { ends, storage, storedGap } from '../kit/stored-state.ts';
import type { VictoriaMetrics } from '../kit/victoria-metrics.ts';

const LEASE_MS = 15_000;
const RENEW_DEADLINE_MS = 10_000;
const PODS = '/api/v1/pods';
/** Allowance for a busy machine in any wait. */
const SLACK_MS = 3000;

/** Two agents that know each other; the first one is the leader and has pushed. */
async function pair(
  context: TestContext,
  intervalMs: number,
  acquaintance: Acquaintance,
  flags: readonly string[] = [],
) {
  const every = ['--push.interval', `${intervalMs / 1000}s`, '--push.phase', '0s'];
  const agents = await StateAgents.start(context, [...every, ...flags], acquaintance);
  const began = performance.now();
  const leader = await agents.add('state-0');
  await agents.pushes('state-0', began);
  const standby = await agents.add('state-1');
  await standby.printed(/another candidate holds the Lease/);
  return { agents, leader, standby };
}

/** The longest time without an upload since `from`. */
function largestGap(uploads: readonly Upload[], from: number, to = performance.now()): number {
  const times = [from, ...uploads.map(({ at }) => at).filter((at) => at > from && at < to), to];
  return Math.max(...times.slice(1).map((at, index) => at - (times[index] as number)));
}

const by = (uploads: readonly Upload[], from: number): Set<string> =>
  new Set(uploads.filter(({ at }) => at > from).map((upload) => upload.by));

/** Intervals in which both push: only when one takes over from the other. */
function overlapMs(uploads: readonly Upload[], first: string, second: string): number {
  const began = uploads.find((upload) => upload.by === second)?.at ?? Number.POSITIVE_INFINITY;
  const last = uploads.findLast((upload) => upload.by === first)?.at ?? Number.NEGATIVE_INFINITY;
  return last - began;
}

/** Waits until the removed pod has ended, which takes a list or watch after the outage, and checks that it stays so. */
async function staysGone(vm: VictoriaMetrics, agents: StateAgents): Promise<void> {
  await vm.until('count(kube_pod_info{pod="crash"}) or vector(0)', ([count]) => count?.value === 0);
  const ended = performance.now();
  await agents.pushesAgain('state-0', 2);
  await ends(vm, 'crash', ended);
}

describe('an outage of the API server', { concurrency: true, timeout: 400_000 }, () => {
  test('for both, for 60 s: the leader continues, and then reports the current state', async (t) => {
    if (!serverAvailable(t, 'victoria-metrics')) return;
    const { vm, flags } = await storage(t);
    const { agents, leader, standby } = await pair(t, 2000, 'direct', flags);
    for (const { proxy } of [leader, standby]) proxy.cut();
    const cut = performance.now();
    await leader.printed(/the leader continues without the Lease/);
    await setTimeout(60_000 - (performance.now() - cut));
    assert.ok(largestGap(agents.uploads, cut) < 2000 + SLACK_MS, `a gap of ${largestGap(agents.uploads, cut)} ms`);
    assert.deepEqual(by(agents.uploads, cut), new Set(['state-0']));
    const metrics = await (await fetch(`${leader.url}/metrics`)).text();
    assert.match(metrics, /^firesteel_leader_without_lease\{lease="firesteel"\} 1$/m);

    agents.cluster.remove(PODS, 'default/crash');
    for (const { proxy } of [leader, standby]) proxy.restore();
    const restored = performance.now();
    await leader.printed(/leader election recovered/);
    await staysGone(vm, agents);
    assert.ok(largestGap(agents.uploads, restored) < 2000 + SLACK_MS);
    assert.deepEqual(by(agents.uploads, cut), new Set(['state-0']));
    assert.ok((await storedGap(vm)) < 2000 + SLACK_MS, `VictoriaMetrics has a gap of ${await storedGap(vm)} ms`);
  });

  test('for the leader alone: the standby takes over through the Lease, and there are never two leaders', async (t) => {
    if (!serverAvailable(t, 'victoria-metrics')) return;
    const { vm, flags } = await storage(t);
    const { agents, leader } = await pair(t, 1000, 'direct', flags);
    leader.proxy.cut();
    const cut = performance.now();
    // Only the standby sees this.
    agents.cluster.remove(PODS, 'default/crash');
    const began = await agents.pushes('state-1', cut);
    await ends(vm, 'crash', began - 500);
    await agents.pushesAgain('state-1', 10);
    assert.ok(overlapMs(agents.uploads, 'state-0', 'state-1') < 0, 'the leader stops before the other one starts');
    const longest = LEASE_MS - RENEW_DEADLINE_MS + 2000 + SLACK_MS;
    assert.ok(largestGap(agents.uploads, cut) < longest);
    assert.ok((await storedGap(vm)) < longest, `VictoriaMetrics has a gap of ${await storedGap(vm)} ms`);
    assert.deepEqual(agents.strayUploads(LEASE_MS), []);
    leader.proxy.restore();
    await leader.printed(/"holder":"state-1","msg":"another candidate holds the Lease"/);
    assert.deepEqual(by(agents.uploads, began), new Set(['state-1']));
    await ends(vm, 'crash', began - 500);
  });

  test('for both, which cannot reach each other either: neither pushes', async (t) => {
    const { agents, leader, standby } = await pair(t, 1000, 'proxied');
    for (const { proxy, link } of [leader, standby]) {
      proxy.cut();
      link?.cut();
    }
    const cut = performance.now();
    await leader.printed(/"msg":"lost leadership"/);
    const ended = performance.now();
    await setTimeout(LEASE_MS + 2000);
    assert.deepEqual(by(agents.uploads, ended + 500), new Set());
    // They reach each other before they reach the API server.
    for (const { link } of [leader, standby]) link?.restore();
    const linked = performance.now();
    await agents.pushes('state-0', linked);
    await agents.pushesAgain('state-0', 5);
    assert.deepEqual(by(agents.uploads, cut), new Set(['state-0']));
    for (const { proxy } of [leader, standby]) proxy.restore();
    await agents.pushesAgain('state-0', 5);
    assert.deepEqual(by(agents.uploads, cut), new Set(['state-0']));
  });

  test('for both, and the standby is killed: the leader continues', async (t) => {
    const { agents, leader, standby } = await pair(t, 1000, 'direct');
    for (const { proxy } of [leader, standby]) proxy.cut();
    standby.child.kill('SIGKILL');
    const cut = performance.now();
    await setTimeout(LEASE_MS + 10_000);
    assert.ok(largestGap(agents.uploads, cut) < 1000 + SLACK_MS, `a gap of ${largestGap(agents.uploads, cut)} ms`);
  });

  test('for both, and the standby is suspended: the leader stops until it responds, because it may be the leader', async (t) => {
    if (!serverAvailable(t, 'victoria-metrics')) return;
    const { vm, flags } = await storage(t);
    const { agents, leader, standby } = await pair(t, 1000, 'direct', flags);
    for (const { proxy } of [leader, standby]) proxy.cut();
    standby.child.kill('SIGSTOP');
    await leader.printed(/"msg":"lost leadership"/);
    agents.cluster.remove(PODS, 'default/crash');
    const lost = performance.now();
    await setTimeout(2000);
    standby.child.kill('SIGCONT');
    const woken = performance.now();
    await agents.pushes('state-0', woken);
    const between = agents.uploads.filter(({ at }) => at > lost + 500 && at < woken);
    assert.deepEqual(between, []);
    await agents.pushesAgain('state-0', 3);
    for (const { proxy } of [leader, standby]) proxy.restore();
    await leader.printed(/leader election recovered/);
    await staysGone(vm, agents);
    assert.deepEqual(by(agents.uploads, woken), new Set(['state-0']));
  });
});

describe('the leader is killed', { concurrency: true, timeout: 400_000 }, () => {
  for (const intervalMs of [1000, 5000, 15_000]) {
    test(`the largest gap is an interval of ${intervalMs / 1000} s plus 5 s`, async (t) => {
      if (!serverAvailable(t, 'victoria-metrics')) return;
      const { vm, flags } = await storage(t);
      const { agents, leader, standby } = await pair(t, intervalMs, 'direct', flags);
      await agents.connected();
      await agents.pushes('state-0', performance.now());
      await setTimeout(200);
      leader.child.kill('SIGKILL');
      const killed = performance.now();
      const pushed = await agents.pushes('state-1', killed);
      await agents.pushes('state-1', pushed);
      assert.match(standby.stderr(), /the process that holds the Lease has ended/);
      await vm.visible('kube_pod_info', Date.now() - (performance.now() - pushed) - 1000, 10);
      const gap = await storedGap(vm);
      assert.ok(gap <= intervalMs + 5000, `a gap of ${gap} ms`);
      t.diagnostic(`largest gap ${gap} ms`);
    });
  }
});
