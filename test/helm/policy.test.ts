import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { VERSION } from '../../src/config/version.ts';
import { type Manifest, overlay, podsOf, render, story, USER_STORIES } from './chart.ts';
import { helmTest } from './helm-test.ts';

const MINIMAL = story('minimal');

/** Violations of the Pod Security profile "restricted" by a pod, except for its host volumes. */
function restrictedErrors(pod: Manifest): string[] {
  const wrong: string[] = [];
  const refuse = (isWrong: unknown, what: string) => isWrong && wrong.push(what);
  for (const key of ['hostNetwork', 'hostPID', 'hostIPC']) refuse(pod[key], key);
  refuse(pod.securityContext.seccompProfile?.type !== 'RuntimeDefault', 'seccompProfile');
  refuse(pod.securityContext.runAsNonRoot !== true || pod.securityContext.runAsUser === 0, 'runs as root');
  for (const { name, securityContext, ports } of ownContainers(pod)) {
    refuse(securityContext.privileged, `${name}: privileged`);
    refuse(securityContext.allowPrivilegeEscalation !== false, `${name}: allowPrivilegeEscalation`);
    refuse(securityContext.readOnlyRootFilesystem !== true, `${name}: writable root`);
    refuse(String(securityContext.capabilities.drop) !== 'ALL', `${name}: keeps capabilities`);
    for (const capability of securityContext.capabilities.add ?? []) refuse(true, `${name}: ${capability}`);
    for (const { hostPort } of ports ?? []) refuse(hostPort, `${name}: hostPort`);
  }
  return wrong;
}

const ownContainers = (pod: Manifest): Manifest[] =>
  pod.containers.filter(({ name }: Manifest) => name === 'firesteel');

const EXTENDED = ['runs as root', 'firesteel: DAC_READ_SEARCH', 'firesteel: SYS_PTRACE'];

/** The value files that mount the folders of the host's logs. */
const READS_LOGS = new Set(['host-logs', 'victorialogs', 'loki', 'elasticsearch']);

/** Permitted deviations of value files from the restricted profile. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  extended: EXTENDED,
  'host-network': ['hostNetwork'],
  'preset-complete': EXTENDED,
  'snmp-traps': ['firesteel: hostPort'],
  subchart: ['firesteel: hostPort'],
};

for (const [name, values] of Object.entries(USER_STORIES)) {
  helmTest(`${name}: pods comply with the restricted profile, except for volumes of the host`, () => {
    for (const { kind, pod } of podsOf(render(values))) {
      assert.deepEqual(restrictedErrors(pod), kind === 'DaemonSet' ? (MORE[name] ?? []) : []);
    }
  });

  helmTest(
    `${name}: of the host, pods mount its /proc, /sys, / and the folders of its logs for reading, and the spool's folder`,
    () => {
      for (const { kind, pod } of podsOf(render(values))) {
        const mounts: Manifest[] = ownContainers(pod).flatMap(({ volumeMounts }) => volumeMounts);
        for (const { name: volume, hostPath } of pod.volumes) {
          if (hostPath === undefined) continue;
          assert.equal(kind, 'DaemonSet');
          const mount = mounts.find((candidate) => candidate.name === volume);
          assert.ok(mount);
          if (['/var/lib/firesteel', '/run/firesteel'].includes(hostPath.path)) continue;
          const ofLogs = READS_LOGS.has(name) ? ['/var/log', '/run/log'] : [];
          assert.ok(['/proc', '/sys', '/', ...ofLogs].includes(hostPath.path), hostPath.path);
          assert.equal(mount.readOnly, true);
        }
        for (const { name } of mounts)
          assert.ok(
            pod.volumes.some((volume: Manifest) => volume.name === name),
            name,
          );
      }
    },
  );

  helmTest(`${name}: no role has a wildcard, and none reaches the kubelet's exec`, () => {
    const roles = render(values).filter(({ kind }) => /^(?:Cluster)?Role$/.test(kind));
    for (const { verbs, resources, apiGroups } of roles.flatMap(({ rules }) => rules)) {
      for (const word of [...verbs, ...resources, ...apiGroups]) assert.doesNotMatch(word, /\*|^nodes\/proxy$/);
    }
  });
}

helmTest('selectors of workloads, Services and policies do not depend on the values', () => {
  const selectors = (values: typeof MINIMAL) =>
    podsOf(render(values)).map(({ kind, workload }) => [kind, workload.spec.selector.matchLabels]);
  const usual = selectors(MINIMAL);
  const labels = (component: string) => ({
    'app.kubernetes.io/name': 'firesteel',
    'app.kubernetes.io/instance': 'firesteel',
    'app.kubernetes.io/component': component,
  });
  assert.deepEqual(usual, [
    ['DaemonSet', labels('node')],
    ['Deployment', labels('state')],
  ]);
  // A nameOverride results in new objects, as the user intends.
  const renamed = 'extra-everything';
  for (const [name, values] of Object.entries(USER_STORIES)) {
    for (const selector of name === renamed ? [] : selectors(values)) {
      assert.ok(
        [...usual, ['StatefulSet', labels('state')]].some((known) => isDeepStrictEqual(known, selector)),
        JSON.stringify(selector),
      );
    }
  }
});

helmTest('every selector of the chart matches its pods', () => {
  const everything = overlay(story('extra-everything'), { networkPolicy: { enabled: true } });
  const objects = render(everything);
  const labels = podsOf(objects).map(({ workload }) => workload.spec.template.metadata.labels);
  const selectors = objects
    .filter(({ kind }) => kind !== 'ConfigMap')
    .map(({ spec }) => spec?.selector?.matchLabels ?? spec?.podSelector?.matchLabels ?? spec?.selector)
    .filter((selector) => selector !== undefined);
  assert.ok(selectors.length >= 7);
  for (const selector of selectors) {
    const found = labels.filter((own) => Object.entries(selector).every(([key, value]) => own[key] === value));
    assert.notEqual(found.length, 0, JSON.stringify(selector));
  }
});

helmTest('each egress rule has its peers, which are all addresses only by default', () => {
  const to = [{ ipBlock: { cidr: '10.1.2.0/24' } }];
  const peers = { dnsTo: to, kubeletTo: to, apiServerTo: to, exportersTo: to };
  const rules = (networkPolicy: object) =>
    render(overlay(story('extra-everything'), { networkPolicy: { enabled: true, ...networkPolicy } }))
      .filter(({ kind }) => kind === 'NetworkPolicy')
      .flatMap(({ spec }) => spec.egress as Manifest[]);
  for (const rule of rules(peers)) assert.ok(rule.to?.length > 0, JSON.stringify(rule));
  for (const [key, port] of [
    ['dnsTo', 53],
    ['apiServerTo', 6443],
  ] as const) {
    const open = rules({ ...peers, [key]: [] }).filter((rule) => rule.to === undefined);
    assert.ok(open.length > 0, key);
    for (const rule of open)
      assert.ok(
        rule.ports.some((one: Manifest) => one.port === port),
        key,
      );
  }
});

helmTest('the extended tier means uid 0 with two capabilities, for node agents only', () => {
  const [node, state] = podsOf(render(overlay(MINIMAL, { tier: 'extended' })));
  assert.equal(node?.pod.securityContext.runAsUser, 0);
  assert.deepEqual(node?.pod.containers[0].securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'], add: ['DAC_READ_SEARCH', 'SYS_PTRACE'] },
  });
  assert.equal(state?.pod.securityContext.runAsUser, 65534);
});

helmTest('probes check only the agent itself, with sufficient timeouts', () => {
  for (const { pod } of podsOf(render(MINIMAL))) {
    const [{ livenessProbe, readinessProbe, startupProbe }] = pod.containers;
    assert.equal(livenessProbe.httpGet.path, '/healthz');
    assert.equal(startupProbe.httpGet.path, '/healthz');
    assert.equal(readinessProbe.httpGet.path, '/readyz');
    assert.ok(pod.terminationGracePeriodSeconds >= 10);
  }
});

helmTest('a digest takes precedence over the tag, and a mirror over the registry', () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  const image = (values: typeof MINIMAL) => podsOf(render(overlay(MINIMAL, values)))[0]?.pod.containers[0].image;
  assert.equal(image({ image: { tag: 'v9' } }), 'ghcr.io/firesteel/firesteel:v9');
  assert.equal(image({ image: { tag: 'v9', digest } }), `ghcr.io/firesteel/firesteel@${digest}`);
  assert.equal(image({ global: { imageRegistry: 'mirror:5000' } }), `mirror:5000/firesteel/firesteel:${VERSION}`);
});

helmTest('the disruption budget exists only with a second replica', () => {
  const budgets = (replicas: number) =>
    render(overlay(MINIMAL, { state: { replicas } })).filter(({ kind }) => kind === 'PodDisruptionBudget');
  assert.equal(budgets(1).length, 0);
  assert.equal(budgets(2).length, 1);
});

helmTest('the restricted tier reads the logs with their group, at the host’s paths', () => {
  const [node] = podsOf(render(story('host-logs'))).filter(({ kind }) => kind === 'DaemonSet');
  assert.deepEqual(node?.pod.securityContext.supplementalGroups, [4]);
  const mounts: Manifest[] = node?.pod.containers[0].volumeMounts;
  for (const path of ['/var/log', '/run/log']) {
    assert.ok(
      mounts.some(({ mountPath, readOnly }) => mountPath === path && readOnly),
      path,
    );
  }
});
