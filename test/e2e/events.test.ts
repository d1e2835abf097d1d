import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventObject } from '../../src/kube/event.ts';
import { recorded } from '../kit/fake-api-server.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable } from '../kit/servers.ts';
import { type StateAgent, StateAgents } from '../kit/state-agents.ts';
import { startVictoriaMetrics, type VictoriaMetrics } from '../kit/victoria-metrics.ts';

const EVENTS = '/api/v1/events';
const PER_SECOND = 100;
const EVERY_SECOND = ['--push.interval', '1s', '--push.phase', '0s', '--set', 'collectors.event.enabled=true'];
/** Creates events at a steady rate, most of which repeat earlier ones; returns the number of occurrences. */
class Stream {
  #occurrences = 0;
  #ended: boolean = false;
  readonly #running: Promise<void>;

  constructor(agents: StateAgents) {
    agents.cluster.collection(EVENTS, 'Event');
    this.#running = this.#run(agents);
  }

  async end(): Promise<number> {
    this.#ended = true;
    await this.#running;
    return this.#occurrences;
  }

  async #run({ cluster }: StateAgents): Promise<void> {
    const began = performance.now();
    const reasons = ['BackOff', 'FailedMount', 'FailedScheduling', 'Evicted'];
    while (!this.#ended) {
      for (
        const due = ((performance.now() - began) / 1000) * PER_SECOND;
        this.#occurrences < due;
        this.#occurrences++
      ) {
        const number = this.#occurrences % 150;
        const key = `e${number}`;
        const before = cluster.collection(EVENTS).objects.get(`shop/${key}`) as EventObject | undefined;
        const count = (before?.count ?? 0) + 1;
        cluster.put(EVENTS, {
          ...{ kind: 'Event', apiVersion: 'v1', metadata: { namespace: 'shop', name: key, creationTimestamp: now() } },
          ...{ type: 'Warning', reason: reasons[number % reasons.length], count, lastTimestamp: now() },
          involvedObject: { kind: 'Pod', namespace: 'shop' },
        } as EventObject);
      }
      await sleep(10);
    }
  }
}

const now = () => new Date().toISOString();

interface Scene {
  readonly agents: StateAgents;
  readonly vm: VictoriaMetrics;
  readonly leader: StateAgent;
  readonly standby: StateAgent;
}

async function start(t: TestContext): Promise<Scene | undefined> {
  if (!serverAvailable(t, 'victoria-metrics')) return undefined;
  const vm = await startVictoriaMetrics(t, scratchFolder(t));
  const exporter = JSON.stringify({ type: 'vmagent', url: vm.url, groups: ['event'] });
  const agents = await StateAgents.start(t, [...EVERY_SECOND, '--set', `exporters.events=${exporter}`]);
  const began = performance.now();
  const leader = await agents.add('state-0');
  await agents.pushes('state-0', began);
  const standby = await agents.add('state-1');
  await standby.printed(/another candidate holds the Lease/);
  return { agents, vm, leader, standby };
}

const increase = async (vm: VictoriaMetrics, by = ''): Promise<ReadonlyMap<string, number>> =>
  new Map(
    (await vm.query(`sum(increase(kube_events_total[15m])) ${by}`)).map(({ metric, value }) => [
      metric.reason ?? '',
      value,
    ]),
  );

/** The sum over all reasons, once it has not changed for five pushes and is at least `least`. */
async function settled(vm: VictoriaMetrics, least: number): Promise<number> {
  const deadline = performance.now() + 60_000;
  let last = -1;
  for (let since = performance.now(); ; await sleep(250)) {
    const value = (await increase(vm)).get('') ?? 0;
    if (value !== last) since = performance.now();
    last = value;
    const isOver = performance.now() > deadline;
    if (isOver || (value >= least && performance.now() - since > 5000)) return value;
  }
}

/** The maximum number of occurrences in one push until `untilMs`. */
async function largestPush(vm: VictoriaMetrics, untilMs: number): Promise<number> {
  const totals = new Map<number, number>();
  for (const { values, timestamps } of await vm.export('kube_events_total')) {
    for (const [index, value] of values.entries()) {
      const stampMs = timestamps[index] ?? 0;
      if (stampMs <= untilMs) totals.set(stampMs, (totals.get(stampMs) ?? 0) + value);
    }
  }
  const inOrder = [...totals].sort(([one], [other]) => one - other).map(([, total]) => total);
  return Math.max(...inOrder.map((total, index) => total - (inOrder[index - 1] ?? 0)));
}

const ENDS: readonly (readonly [what: string, end: (scene: Scene) => Promise<void>, pushesTwice: number])[] = [
  ['stops in order', async ({ leader }) => void leader.child.kill('SIGTERM'), 0],
  ['is killed', async ({ leader }) => void leader.child.kill('SIGKILL'), 1],
  [
    'is suspended, and continues later',
    async ({ leader }) => {
      leader.child.kill('SIGSTOP');
      await sleep(22_000);
      leader.child.kill('SIGCONT');
    },
    1,
  ],
  ['loses the API server', async ({ leader }) => leader.proxy.cut(), 1],
];

describe('the next leader continues the event counts', { concurrency: 2, timeout: 300_000 }, () => {
  for (const [what, end, pushesTwice] of ENDS) {
    test(`when the leader ${what}`, async (t) => {
      const scene = await start(t);
      if (!scene) return;
      const stream = new Stream(scene.agents);
      // At a different moment of a push each time.
      await sleep(8000 + Math.random() * 1000);
      const endedMs = Date.now();
      await end(scene);
      await scene.standby.printed(/became leader/);
      await sleep(5000);
      const sent = await stream.end();
      const found = await settled(scene.vm, sent);
      const mostTwice = pushesTwice * (await largestPush(scene.vm, endedMs));
      t.diagnostic(`${sent} occurrences, increase ${found}, at most ${mostTwice} in a push`);
      assert.ok(found >= sent, `${sent - found} of ${sent} are lost`);
      assert.ok(found <= sent + mostTwice, `${found - sent} of ${sent} are counted twice`);
    });
  }

  test('recorded events are counted exactly by reason, and none twice after a restart of the API server', async (t) => {
    const scene = await start(t);
    if (!scene) return;
    const { cluster } = scene.agents;
    const files = [recorded('api/core_v1_events.json'), readFileSync(fixture('events/events-k8s-io.json'), 'utf8')];
    const items = files.flatMap((text) => (JSON.parse(text) as { items: EventObject[] }).items);
    // Counted by jq, from the same files.
    const counted = JSON.parse(readFileSync(fixture('events/totals.json'), 'utf8')) as Record<string, object>;
    const expected = new Map<string, number>();
    for (const totals of Object.values(counted)) {
      for (const [reason, count] of Object.entries(totals)) expected.set(reason, (expected.get(reason) ?? 0) + count);
    }
    const sent = [...expected.values()].reduce((sum, count) => sum + count, 0);
    for (const [index, event] of items.entries()) {
      const { uid: _, ...metadata } = event.metadata ?? {};
      cluster.put(EVENTS, {
        ...event,
        kind: 'Event',
        metadata: { ...metadata, name: `again-${index}` },
      } as EventObject);
    }
    assert.equal(await settled(scene.vm, sent), sent);
    cluster.compact();
    scene.agents.restartApi();
    assert.equal(await settled(scene.vm, sent), sent);
    assert.deepEqual([...(await increase(scene.vm, 'by (reason)'))].sort(), [...expected].sort());
  });
});
