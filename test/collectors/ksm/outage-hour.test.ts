import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { parse } from 'yaml';
import { createLog } from '../../../src/base/log.ts';
import { ClusterState } from '../../../src/collectors/ksm/cluster-state.ts';
import { ksmOptions } from '../../../src/collectors/ksm/options.ts';
import { PodIndex } from '../../../src/collectors/ksm/pod-index.ts';
import { resourcePath } from '../../../src/collectors/ksm/resource.ts';
import { resources } from '../../../src/collectors/ksm/resources/index.ts';
import { followSeries } from '../../../src/collectors/ksm/self-samples.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { type FakeApiServer, startFakeApi } from '../../kit/fake-api-server.ts';
import { scratchFolder } from '../../kit/host-tree.ts';
import { loadRecordedCluster } from '../../kit/recorded-cluster.ts';
import { serverAvailable } from '../../kit/servers.ts';
import { startVictoriaMetrics, type VictoriaMetrics } from '../../kit/victoria-metrics.ts';
import { clientOf, PODS } from '../../kube/follow.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const DEPLOYMENTS = '/apis/apps/v1/deployments';
const FOREVER = { times: Number.POSITIVE_INFINITY };

interface Rule {
  readonly alert: string;
  readonly expr: string;
}
const RULES = join(import.meta.dirname, '../../../docs/alerts/prometheusrule.yaml');
const { spec } = parse(readFileSync(RULES, 'utf8')) as { spec: { groups: { rules: Rule[] }[] } };
const STATE_ALERTS = spec.groups
  .flatMap(({ rules }) => rules)
  .filter(({ alert }) => /Kubernetes|Ksm|CollectorFailing/.test(alert));

/** A fault of the API server for an hour, the alerts that fire at its end, and the logged causes. */
const FAULTS: readonly {
  readonly title: string;
  readonly break: (server: FakeApiServer) => void | Promise<void>;
  readonly alerts: readonly string[];
  readonly causes: readonly string[];
  /** How long a response may take; short if that is the fault. */
  readonly headersMs?: number;
}[] = [
  { title: 'healthy', break() {}, alerts: [], causes: [] },
  {
    title: 'down',
    break: (server) => server.stop(),
    alerts: ['FiresteelKubernetesApiDown'],
    causes: ['unreachable'],
  },
  {
    title: '401 for all',
    break(server) {
      server.tokens = new Set(['another']);
    },
    alerts: ['FiresteelKubernetesApiDown'],
    causes: ['401'],
  },
  {
    title: '403 for one',
    break: (server) => server.fail('list', { status: 403 }, { path: PODS, ...FOREVER }),
    alerts: ['FiresteelKsmResourceDown'],
    causes: ['403'],
  },
  {
    title: '404 for one',
    break: (server) => server.fail('list', { status: 404 }, { path: DEPLOYMENTS, ...FOREVER }),
    alerts: [],
    causes: ['not served'],
  },
  {
    title: 'slow for one',
    headersMs: 250,
    break: (server) => server.fail('list', 'silence', { path: DEPLOYMENTS, ...FOREVER }),
    alerts: ['FiresteelKsmResourceDown'],
    causes: ['unreachable'],
  },
];

/** Follows the cluster for an hour of virtual time, which advances by the delays between attempts; reports once a minute. */
async function anHour(
  t: TestContext,
  server: FakeApiServer,
  headersMs: number,
  breakIt: (server: FakeApiServer) => void | Promise<void>,
  report: (ms: number, samples: readonly string[]) => void,
) {
  const lines: { readonly cause?: string; readonly stack?: string }[] = [];
  const clock = { ms: Math.floor((Date.now() - HOUR_MS) / MINUTE_MS) * MINUTE_MS };
  const end = clock.ms + HOUR_MS;
  const { client } = clientOf(t, server, { headersMs });
  const served = resources.filter((one) => one.enabled && server.cluster.collections.has(resourcePath(one)));
  await breakIt(server);
  const state = new ClusterState({
    api: client,
    options: ksmOptions.parse({}),
    resources: served,
    pods: new PodIndex(),
    compression: 'gzip',
    log: createLog('info', { write: (line) => lines.push(JSON.parse(line)) }),
    timing: {
      wallMs: () => clock.ms,
      random: () => 1,
      async sleep(ms, signal) {
        const until = clock.ms + ms;
        await setTimeout(1, undefined, { signal }).catch(() => {});
        clock.ms = Math.max(clock.ms, until);
      },
      idleMs: 60_000,
      watchMs: 600_000,
      healthyMs: 60_000,
    },
  });
  t.after(() => state.stop());
  state.start();
  let reported = clock.ms;
  while (clock.ms < end) {
    await setTimeout(5);
    // Without failures there are no waits.
    if (state.statuses.every(({ state }) => state !== 'down' && state !== 'listing')) clock.ms += MINUTE_MS;
    const out = new Snapshot();
    followSeries(state)(out);
    const up = out.keys.flatMap((key, index) =>
      String(key).startsWith('firesteel_ksm_resource_up') ? [`${key} ${out.values[index]}`] : [],
    );
    const success = state.down === undefined ? 1 : 0;
    const collectors = ['kube-state-metrics', 'ksm'].map(
      (name) => `firesteel_collector_success{collector="${name}"} ${success}`,
    );
    for (; reported < Math.min(clock.ms, end); reported += MINUTE_MS) report(reported, [...up, ...collectors]);
  }
  return { lines, end };
}

/** The alerts whose condition is true at `ms`. */
async function firing({ url }: VictoriaMetrics, ms: number): Promise<string[]> {
  const found: string[] = [];
  for (const { alert, expr } of STATE_ALERTS) {
    const asked = new URLSearchParams({ query: expr, time: String(ms / 1000) });
    const answer = await fetch(`${url}/api/v1/query?${asked}`, { signal: AbortSignal.timeout(60_000) });
    assert.equal(answer.status, 200, expr);
    const { data } = (await answer.json()) as { data: { result: unknown[] } };
    found.push(...data.result.map(() => alert));
  }
  return found;
}

for (const { title, break: breakIt, alerts, causes, headersMs = 10_000 } of FAULTS) {
  test(`an API server that is ${title} for an hour: a few lines of the log, one alert for one cause`, {
    timeout: 180_000,
  }, async (t) => {
    if (!serverAvailable(t, 'victoria-metrics')) return;
    const vm = await startVictoriaMetrics(t, scratchFolder(t));
    const server = await startFakeApi(t);
    loadRecordedCluster(server.cluster);
    const samples: string[] = [];
    const { lines, end } = await anHour(t, server, headersMs, breakIt, (ms, now) => {
      for (const sample of now) samples.push(sample.replace('{', '{instance="a",cluster="c",').replace(/$/, ` ${ms}`));
    });
    assert.deepEqual(
      [...new Set(lines.map(({ cause }) => cause))].filter((cause) => cause !== undefined),
      causes,
    );
    // At the beginning, ten seconds later with the count of resources, and then once an hour.
    assert.ok(lines.length <= 3 * causes.length, `${lines.length} lines: ${JSON.stringify(lines)}`);
    assert.ok(lines.every(({ stack }) => stack === undefined));
    const taken = await fetch(`${vm.url}/api/v1/import/prometheus`, {
      method: 'POST',
      body: `${samples.join('\n')}\n`,
    });
    assert.equal(taken.status, 204);
    await vm.until(
      `count_over_time(firesteel_collector_success{collector="ksm"}[2h])`,
      ([one]) => (one?.value ?? 0) >= 59,
    );
    assert.deepEqual(await firing(vm, end - MINUTE_MS), alerts);
  });
}
