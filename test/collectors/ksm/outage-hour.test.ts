import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { parse } from 'yaml';
import { createLog } from '../../../src/base/log.ts';
import type { ClusterState } from '../../../src/collectors/ksm/cluster-state.ts';
import { createKsm } from '../../../src/collectors/ksm/index.ts';
import { ksmSection } from '../../../src/collectors/ksm/section.ts';
import type { KubeApi } from '../../../src/kube/api.ts';
import { LeaseElection } from '../../../src/kube/lease.ts';
import { AgentRegistry } from '../../../src/metrics/registry.ts';
import { type FakeApiServer, startFakeApi } from '../../kit/fake-api-server.ts';
import { fixture, scratchFolder } from '../../kit/host-tree.ts';
import { loadRecordedCluster } from '../../kit/recorded-cluster.ts';
import { serverAvailable } from '../../kit/servers.ts';
import { Timeline } from '../../kit/timeline.ts';
import { startVictoriaMetrics, type VictoriaMetrics } from '../../kit/victoria-metrics.ts';
import { clientOf } from '../../kube/follow.ts';
import { FAULTS, type Fault, SERVED, WIDGETS } from './outage-faults.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const CUSTOM = fixture('reports/crd-gone-stale/cr.yaml');

/** A line of the log. */
interface Line {
  readonly msg: string;
  readonly cause?: string;
  readonly lease?: string;
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
}
const RULES = join(import.meta.dirname, '../../../docs/alerts/prometheusrule.yaml');
const { spec } = parse(readFileSync(RULES, 'utf8')) as { spec: { groups: { rules: Rule[] }[] } };
const STATE_ALERTS = spec.groups
  .flatMap(({ rules }) => rules)
  .filter(({ alert }) => /Kubernetes|Ksm|CollectorFailing|NotOneMaster/.test(alert));

/** Runs a state agent's collector and election for an hour of virtual time; reports once a minute. */
async function anHour(
  t: TestContext,
  server: FakeApiServer,
  { headersMs = 10_000, break: breakIt }: Fault,
  report: (ms: number, samples: readonly string[], rows: ClusterState['statuses']) => void,
) {
  const lines: Line[] = [];
  const log = createLog('info', { write: (line) => lines.push(JSON.parse(line)) });
  const { client } = clientOf(t, server, { headersMs });
  // Virtual time stands still while the API server is asked.
  let pending = 0;
  const whileAsked = <T>(response: Promise<T>): Promise<T> => {
    pending++;
    return response.finally(() => pending--);
  };
  const api: KubeApi = {
    json: (request) => whileAsked(client.json(request)),
    stream: (request, idleMs) => whileAsked(client.stream(request, idleMs)),
  };
  const timeline = new Timeline(async () => {
    await setImmediate();
    while (pending > 0) await setTimeout(1);
    await setImmediate();
  });
  const beganMs = Math.floor((Date.now() - HOUR_MS) / MINUTE_MS) * MINUTE_MS;
  const wallMs = () => beganMs + timeline.now;
  const random = () => 0.99;
  const sleep = (ms: number, signal: AbortSignal) => timeline.sleep(ms, signal);
  await breakIt(server, (minute, change) => timeline.in(minute * MINUTE_MS, change));
  const section = ksmSection.parse({ enabled: true, resources: SERVED, customResourceStateFile: CUSTOM });
  const timing = { wallMs, random, sleep, idleMs: 60_000, watchMs: 600_000, healthyMs: 60_000 };
  const { state, producers } = createKsm(section, api, { compression: 'gzip' }, log, '1', { timing });
  const registry = new AgentRegistry();
  for (const producer of producers) registry.addProducer(producer);
  const lease = { namespace: 'shop', name: 'firesteel', identity: 'a' };
  const durations = { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2000 };
  const election = new LeaseElection(
    { ...lease, ...durations },
    { api, log, registry, monotonicMs: () => timeline.now, wallMs, random, sleep },
  );
  t.after(async () => {
    const stopped = [state.stop(), election.stop()];
    await timeline.run(10_000);
    await Promise.all(stopped);
  });
  state.start();
  election.start();
  for (let minute = 1; minute < HOUR_MS / MINUTE_MS; minute++) {
    await timeline.run(MINUTE_MS);
    const { groups } = await registry.gather(60_000);
    const samples = [...groups.values()]
      .flat()
      .flatMap(({ keys, values }) => keys.map((key, index) => `${key} ${values[index]}`));
    report(wallMs(), samples, state.statuses);
  }
  const unready = [...state.unready, ...(election.unready === undefined ? [] : [election.unready])];
  return { lines, unready, rows: state.statuses, endMs: wallMs() };
}

/** The alerts whose condition is true in the half hour before `endMs`. */
async function firing({ url }: VictoriaMetrics, endMs: number): Promise<string[]> {
  const found: string[] = [];
  for (const { alert, expr } of STATE_ALERTS) {
    const [start, end] = [endMs - HOUR_MS / 2, endMs].map((ms) => String(ms / 1000)) as [string, string];
    const asked = new URLSearchParams({ query: expr, start, end, step: '60' });
    const answer = await fetch(`${url}/api/v1/query_range?${asked}`, { signal: AbortSignal.timeout(60_000) });
    assert.equal(answer.status, 200, expr);
    const { data } = (await answer.json()) as { data: { result: unknown[] } };
    found.push(...data.result.map(() => alert));
  }
  return found;
}

describe('an hour', { concurrency: 3 }, () => {
  for (const fault of FAULTS) {
    test(`an API server that is ${fault.title} for an hour: readiness, success, rows, a few lines of the log, alerts`, {
      timeout: 400_000,
    }, async (t) => {
      if (!serverAvailable(t, 'victoria-metrics')) return;
      const vm = await startVictoriaMetrics(t, scratchFolder(t));
      const server = await startFakeApi(t);
      loadRecordedCluster(server.cluster);
      server.cluster.collection(WIDGETS, 'Widget', 'acme.io/v1');
      const imported: string[] = [];
      const successes: string[] = [];
      const widgets: string[] = [];
      const { lines, unready, rows, endMs } = await anHour(t, server, fault, (ms, samples, now) => {
        widgets.push(now.find(({ resource }) => resource === 'widgets.acme.io')?.state ?? '');
        const wanted = samples.filter((sample) =>
          /^firesteel_(ksm_resource_up|collector_success|leader)\{/.test(sample),
        );
        successes.push(
          ...wanted.filter((sample) => /^firesteel_collector_success.*"(ksm|kube-state-metrics)"/.test(sample)),
        );
        for (const sample of wanted) imported.push(`${sample.replace('{', '{instance="a",cluster="c",')} ${ms}`);
      });
      assert.match(unready.join('\n'), fault.unready);
      assert.deepEqual(
        Object.fromEntries(
          rows.filter(({ state }) => state !== 'followed').map(({ resource, state }) => [resource, state]),
        ),
        fault.rows,
      );
      assert.deepEqual(
        widgets.filter((state, index) => state !== widgets[index - 1]),
        fault.widgets ?? ['followed'],
      );
      assert.equal(successes.length, 2 * 59);
      assert.deepEqual([...new Set(successes.map((sample) => sample.split(' ').at(-1)))], [String(fault.success)]);
      assertFew(lines, fault);
      const taken = await fetch(`${vm.url}/api/v1/import/prometheus`, {
        method: 'POST',
        body: `${imported.join('\n')}\n`,
      });
      assert.equal(taken.status, 204);
      await vm.until(
        `count_over_time(firesteel_collector_success{collector="ksm"}[2h])`,
        ([one]) => (one?.value ?? 0) >= 59,
      );
      assert.deepEqual(await firing(vm, endMs), fault.alerts);
    });
  }
});

/** A line for each failure at its beginning, ten seconds later with the count of resources, then once an hour, and at its end. */
function assertFew(lines: readonly Line[], { causes, election, widgets = [] }: Fault): void {
  assert.ok(lines.every((line) => !JSON.stringify(line).includes('"stack"')));
  const ofElection = lines.filter(({ lease }) => lease !== undefined).map(({ msg }) => msg);
  const others = lines.filter(({ lease }) => lease === undefined);
  assert.deepEqual([...new Set(others.map(({ cause }) => cause))], causes);
  const failures = Math.max(causes.length, widgets.filter((state) => state === 'not-served').length);
  assert.ok(others.length <= 3 * failures, `${others.length} lines: ${JSON.stringify(others)}`);
  assert.deepEqual([...new Set(ofElection)], election);
  assert.ok(ofElection.length <= 3, JSON.stringify(ofElection));
}
