import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { PodIndex } from '../../src/collectors/ksm/pod-index.ts';
import { scrapeSection } from '../../src/config/scrape-schema.ts';
import { podInfoRoute } from '../../src/http/pod-info.ts';
import { startHttp } from '../../src/http/server.ts';
import {
  ALL_LABELS,
  byPrefix,
  type IdentityPod,
  NO_LABELS,
  POD_INFO_PATH,
  type PodInfo,
  podInfo,
} from '../../src/kube/pod-info.ts';
import { type IdentityOptions, identityOptions } from '../../src/pods/options.ts';
import { createIdentitySource } from '../../src/pods/sources.ts';
import { annotatedCandidates, selectedCandidates } from '../../src/scrape/pod-targets.ts';
import { type TargetSettings, targetOf } from '../../src/scrape/target.ts';
import { recorded, startFakeApi } from '../kit/fake-api-server.ts';
import type { RecordedList } from '../kit/fake-cluster.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';

const SETTINGS: TargetSettings = {
  intervalMs: 30_000,
  timeoutMs: 10_000,
  honorLabels: false,
  honorTimestamps: false,
  metricRelabel: [],
};
const PICKS = { labels: ALL_LABELS, annotations: byPrefix('prometheus.io/') };

/** The recorded pods of a cluster; every second one has the annotation for scraping. */
function recordedPods(version: 1 | 2): RecordedList {
  const text =
    version === 1
      ? recorded('api/core_v1_pods.json')
      : readFileSync(fixture('cluster-cgroupv2/api/core_v1_pods.json'), 'utf8').replace(
          /\n\{"httpStatus":\d+\}\n?$/,
          '',
        );
  const list: RecordedList = JSON.parse(text);
  const items = (list.items ?? []).map((pod, index) =>
    index % 2 === 0
      ? pod
      : {
          ...pod,
          metadata: {
            ...pod.metadata,
            annotations: { ...pod.metadata?.annotations, 'prometheus.io/scrape': 'true', 'prometheus.io/path': '/m' },
          },
        },
  );
  return { ...list, items };
}

async function podsFrom(t: TestContext, node: string, options: Partial<IdentityOptions>): Promise<readonly PodInfo[]> {
  const all = { ...identityOptions.parse({}), ...options };
  const source = await createIdentitySource(all, node, createLog('silent'), PICKS);
  assert.ok(source);
  t.after(() => source.close());
  return (await source.pods(AbortSignal.timeout(60_000))) ?? [];
}

const targetsOf = (pods: readonly PodInfo[], settings: object = {}) => {
  const { annotations } = scrapeSection.parse({ annotations: { enabled: true, ...settings } });
  return annotatedCandidates(pods, annotations, SETTINGS, []).flatMap((candidate) => targetOf(candidate) ?? []);
};

for (const version of [1, 2] as const) {
  test(`a recorded cluster with cgroup v${version}: state agents, API server and kubelet lead to the same targets`, async (t) => {
    const list = recordedPods(version);
    const pods = (list.items ?? []) as IdentityPod[];
    const node = pods.find(({ spec }) => spec?.nodeName)?.spec?.nodeName ?? '';
    const here = pods.filter(({ spec }) => spec?.nodeName === node);

    const index = new PodIndex(ALL_LABELS, byPrefix('prometheus.io/'));
    for (const pod of pods) index.upsert(`${pod.metadata?.namespace}/${pod.metadata?.name}`, pod);
    const route = podInfoRoute({ ready: () => true, responseFor: (name) => index.responseFor(name) });
    const state = await startHttp('127.0.0.1:0', { [POD_INFO_PATH]: route }, () => undefined);
    t.after(() => state.close());

    const api = await startFakeApi(t);
    api.cluster.load('/api/v1/pods', { ...list, items: here });
    const kubeconfig = join(scratchFolder(t), 'kubeconfig');
    writeFileSync(kubeconfig, api.kubeconfig());

    const kubelet = createServer((_, response) => {
      response.end(JSON.stringify({ kind: 'PodList', items: here }));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => kubelet.once('listening', resolve));
    t.after(() => {
      kubelet.close();
      kubelet.closeAllConnections();
    });
    const tokenFile = join(scratchFolder(t), 'token');
    writeFileSync(tokenFile, 'x');
    const url = `http://127.0.0.1:${(kubelet.address() as AddressInfo).port}`;

    const found = [
      await podsFrom(t, node, { source: 'state', url: state.url }),
      await podsFrom(t, node, { source: 'apiserver', kubeconfig }),
      await podsFrom(t, node, { source: 'kubelet', url, tokenFile }),
    ].map((one) =>
      targetsOf(one)
        .map(({ url: at, labels }) => JSON.stringify([at, labels]))
        .sort(),
    );
    assert.ok((found[0]?.length ?? 0) >= 2, JSON.stringify(found[0]));
    assert.deepEqual(found[1], found[0]);
    assert.deepEqual(found[2], found[0]);
    assert.ok(found[0]?.every((one) => one.includes('/m"')));
  });
}

/** A pod as known on its node. */
function podOf({
  annotations = {},
  labels = {},
  ip = '10.0.0.7',
  ready = 'True',
  phase = 'Running',
  hostNetwork = false,
  containers = [{ name: 'app', ports: [{ name: 'web', containerPort: 8080 }] }] as object[],
  initContainers = [] as object[],
} = {}): PodInfo {
  const pod = {
    metadata: {
      namespace: 'shop',
      name: 'web-7d9f8b6c5-x2x4z',
      uid: 'u1',
      labels: { 'pod-template-hash': '7d9f8b6c5', ...labels },
      annotations,
      ownerReferences: [{ kind: 'ReplicaSet', name: 'web-7d9f8b6c5', controller: true }],
    },
    spec: { nodeName: 'n1', hostNetwork, containers, initContainers },
    status: { phase, podIP: ip, hostIP: '192.168.1.1', conditions: [{ type: 'Ready', status: ready }] },
  };
  return podInfo(pod as unknown as IdentityPod, ALL_LABELS, byPrefix('prometheus.io/'));
}

const asked = (more: Record<string, string> = {}) => ({ 'prometheus.io/scrape': 'true', ...more });
const TWO_PORTS = [
  {
    name: 'app',
    ports: [
      { name: 'web', containerPort: 8080 },
      { name: 'dns', containerPort: 53, protocol: 'UDP' },
    ],
  },
  { name: 'side', ports: [{ containerPort: 9090 }] },
];

const PODS: readonly (readonly [
  what: string,
  pod: Parameters<typeof podOf>[0],
  urls: readonly string[],
  settings?: object,
])[] = [
  ['without the annotation', {}, []],
  ['that says no', { annotations: { 'prometheus.io/scrape': 'false' } }, []],
  ['with a declared port', { annotations: asked() }, ['http://10.0.0.7:8080/metrics']],
  [
    'with port, path and scheme',
    {
      annotations: asked({
        'prometheus.io/port': '9000',
        'prometheus.io/path': '/m?x=1',
        'prometheus.io/scheme': 'https',
      }),
    },
    ['https://10.0.0.7:9000/m?x=1'],
  ],
  [
    'with a parameter',
    { annotations: asked({ 'prometheus.io/param_format': 'prometheus' }) },
    ['http://10.0.0.7:8080/metrics?format=prometheus'],
  ],
  [
    'with several ports, without UDP',
    { annotations: asked(), containers: TWO_PORTS },
    ['http://10.0.0.7:8080/metrics', 'http://10.0.0.7:9090/metrics'],
  ],
  ['without ports', { annotations: asked(), containers: [{ name: 'app' }] }, ['http://10.0.0.7/metrics']],
  ['with an IPv6 address', { annotations: asked(), ip: 'fd00::7' }, ['http://[fd00::7]:8080/metrics']],
  [
    'in the network of its host',
    { annotations: asked(), ip: '192.168.1.1', hostNetwork: true },
    ['http://192.168.1.1:8080/metrics'],
  ],
  [
    'whose init container declares a port',
    { annotations: asked(), initContainers: [{ name: 'init', ports: [{ containerPort: 1 }] }] },
    ['http://10.0.0.7:8080/metrics'],
  ],
  ['that has ended', { annotations: asked(), phase: 'Succeeded' }, []],
  ['without an address', { annotations: asked(), ip: '', phase: 'Pending' }, []],
  ['that is not ready', { annotations: asked(), ready: 'False' }, ['http://10.0.0.7:8080/metrics']],
  ['that is not ready, with onlyReady', { annotations: asked(), ready: 'False' }, [], { onlyReady: true }],
  ['with another prefix', { annotations: asked() }, [], { prefix: 'example.com' }],
];

for (const [what, pod, urls, settings] of PODS) {
  test(`a pod ${what}`, () => {
    assert.deepEqual(
      targetsOf([podOf(pod)], settings).map(({ url, problem }) => problem ?? url),
      urls,
    );
  });
}

test('labels of a pod are those of a PodMonitor, and its job names the workload', () => {
  const [target] = targetsOf([podOf({ annotations: asked() })]);
  assert.deepEqual(target?.labels, {
    job: 'shop/web',
    namespace: 'shop',
    pod: 'web-7d9f8b6c5-x2x4z',
    container: 'app',
    instance: '10.0.0.7:8080',
  });
});

for (const port of ['abc', '0', '70000', '80 ', '-1', '8080/x']) {
  test(`an annotation with the port ${JSON.stringify(port)} is a target that is down, with the reason`, () => {
    const [target] = targetsOf([podOf({ annotations: asked({ 'prometheus.io/port': port }) })]);
    assert.match(target?.problem ?? '', /annotation prometheus.io\/port is ".*", which is not a port/);
  });
}

const ENTRIES: readonly (readonly [what: string, entry: object, urls: readonly string[]])[] = [
  ['all pods', {}, ['http://10.0.0.7:8080/metrics', 'http://10.0.0.7:9090/metrics']],
  ['a port by its name', { port: 'web' }, ['http://10.0.0.7:8080/metrics']],
  ['a port by its number, also one that is not declared', { port: 1234, path: '/x' }, ['http://10.0.0.7:1234/x']],
  ['a port that no container has', { port: 'other' }, []],
  ['labels', { selector: { matchLabels: { app: 'web' } }, port: 'web' }, ['http://10.0.0.7:8080/metrics']],
  ['other labels', { selector: { matchLabels: { app: 'db' } } }, []],
  [
    'In',
    { selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['db', 'web'] }] }, port: 'web' },
    ['http://10.0.0.7:8080/metrics'],
  ],
  ['NotIn', { selector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] } }, []],
  [
    'DoesNotExist',
    { selector: { matchExpressions: [{ key: 'none', operator: 'DoesNotExist' }] }, port: 'web' },
    ['http://10.0.0.7:8080/metrics'],
  ],
  ['Exists', { selector: { matchExpressions: [{ key: 'none', operator: 'Exists' }] } }, []],
  ['another namespace', { namespaceSelector: { matchNames: ['db'] } }, []],
  [
    'rules on meta labels',
    {
      port: 'web',
      relabel: [{ action: 'drop', source_labels: ['__meta_kubernetes_pod_container_port_name'], regex: 'web' }],
    },
    [],
  ],
  [
    'rules that set address and path',
    {
      port: 'web',
      relabel: [
        { source_labels: ['__meta_kubernetes_pod_ip'], target_label: '__address__', replacement: '$1:81' },
        { target_label: '__metrics_path__', replacement: '/y' },
      ],
    },
    ['http://10.0.0.7:81/y'],
  ],
];

for (const [what, entry, urls] of ENTRIES) {
  test(`an entry of scrape.pods with ${what}`, () => {
    const { pods } = scrapeSection.parse({ pods: [{ name: 'web', ...entry }] });
    const pod = podOf({ labels: { app: 'web' }, containers: TWO_PORTS });
    const targets = selectedCandidates([pod], pods, () => SETTINGS, []).flatMap((one) => targetOf(one) ?? []);
    assert.deepEqual(
      targets.map(({ url }) => url),
      urls,
    );
    for (const { labels } of targets) assert.equal(labels.job, 'shop/web');
  });
}

test('a response of an older agent has neither annotations, ports nor readiness', () => {
  const { annotations, ready, containers, ...rest } = podOf({ annotations: asked() });
  assert.ok(annotations && ready);
  const older = { ...rest, containers: containers.map(({ ports, ...one }) => one) } as PodInfo;
  assert.deepEqual(targetsOf([older]), []);
  const { pods } = scrapeSection.parse({ pods: [{ name: 'web', port: 8080 }] });
  assert.equal(selectedCandidates([older], pods, () => SETTINGS, []).length, 1);
  assert.deepEqual(NO_LABELS({ a: 'b' }), {});
});
