import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { configText, type Manifest, overlay, podsOf, render, reported, story, type Values } from './chart.ts';
import { helmTest } from './helm-test.ts';

const MINIMAL = story('minimal');

const ofKind = (objects: readonly Manifest[], kind: string) => objects.filter((object) => object.kind === kind);
const workload = (values: Values, kind: string) => podsOf(render(values)).find((one) => one.kind === kind)?.workload;

helmTest('OpenShift: node agents have their SCC, state agents the uids of the namespace', () => {
  const objects = render(story('openshift'));
  const [scc] = ofKind(objects, 'SecurityContextConstraints');
  assert.deepEqual(scc?.users, ['system:serviceaccount:default:firesteel-node']);
  assert.equal(scc?.allowPrivilegedContainer, false);
  assert.deepEqual(scc?.allowedCapabilities, []);
  const [node, state] = podsOf(objects).map(({ pod }) => pod.securityContext);
  assert.deepEqual([node.runAsUser, node.seLinuxOptions], [65_534, { type: 'spc_t' }]);
  assert.deepEqual(state, {
    runAsNonRoot: true,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  });
  const ports = ofKind(objects, 'NetworkPolicy').map(({ spec }) => spec.egress[0].ports.map((p: Manifest) => p.port));
  assert.deepEqual(ports, [
    [53, 53, 5353, 5353],
    [53, 53, 5353, 5353],
  ]);
  const extended = ofKind(render(overlay(story('openshift'), { tier: 'extended' })), 'SecurityContextConstraints');
  assert.deepEqual(extended[0]?.allowedCapabilities, ['DAC_READ_SEARCH', 'SYS_PTRACE']);
  assert.equal(ofKind(render(MINIMAL), 'SecurityContextConstraints').length, 0);
});

helmTest('GKE Autopilot: no host folder is mounted', () => {
  for (const { pod } of podsOf(render(story('gke-autopilot')))) {
    assert.deepEqual(
      pod.volumes.filter(({ hostPath }: Manifest) => hostPath !== undefined),
      [],
    );
  }
});

helmTest('nodes that are not Linux machines have no agents', () => {
  const { affinity, nodeSelector } = workload(MINIMAL, 'DaemonSet')?.spec.template.spec ?? {};
  const [term] = affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms;
  assert.deepEqual(
    term.matchExpressions.map(({ operator, values }: Manifest) => `${operator} ${values}`),
    ['NotIn windows', 'NotIn fargate', 'NotIn virtual-kubelet'],
  );
  assert.equal(nodeSelector['kubernetes.io/os'], 'linux');
});

helmTest('as a subchart: pull secrets as maps, workload settings, secrets of a receiver', () => {
  const objects = render(story('subchart'));
  const [node, state] = podsOf(objects);
  assert.deepEqual(node?.pod.imagePullSecrets, [{ name: 'mirror' }, { name: 'own' }, { name: 'other' }]);
  assert.match(node?.pod.containers[0].image, /^mirror\.example\.com\/firesteel\/firesteel:/);
  assert.equal(node?.pod.containers[0].ports[0].hostPort, 9750);
  for (const { workload: one } of [node, state].filter((found) => found !== undefined)) {
    assert.deepEqual([one.spec.revisionHistoryLimit, one.spec.minReadySeconds], [2, 3]);
    assert.equal(one.spec.template.spec.schedulerName, 'default-scheduler');
    assert.deepEqual(one.metadata.annotations, {
      'reloader.stakater.com/auto': 'true',
      'example.com/owner': 'platform',
    });
  }
  assert.deepEqual(state?.workload.spec.strategy, { type: 'Recreate' });
  const { auth, headerFiles } = parse(configText(objects, 'node')).exporters.vm;
  const folder = '/etc/firesteel-secrets/vm';
  assert.deepEqual(auth, { passwordFile: `${folder}/password`, usernameFile: `${folder}/username` });
  assert.deepEqual(headerFiles, { 'X-Proxy-Token': `${folder}/header-x-proxy-token` });
  const { sources } = node?.pod.volumes.find(({ name }: Manifest) => name === 'secrets').projected ?? {};
  assert.deepEqual(
    sources.flatMap(({ secret }: Manifest) => secret.items.map(({ key, path }: Manifest) => `${key} ${path}`)),
    ['password vm/password', 'user vm/username', 'proxy-token vm/header-x-proxy-token'],
  );
});

helmTest('values from user reports have the intended effect', () => {
  assert.deepEqual(workload(reported('recreate-values'), 'Deployment')?.spec.strategy, { type: 'Recreate' });
  const annotated = workload(reported('missing-values-v4'), 'DaemonSet');
  assert.deepEqual(annotated?.metadata.annotations, { 'reloader.stakater.com/auto': 'true', a: 'b' });
  const values = reported('missing-values-v8');
  const { state } = values as { state: Manifest };
  const deployment = workload(values, 'Deployment');
  assert.equal(deployment?.spec.template.spec.schedulerName, state.schedulerName);
  assert.equal(deployment?.spec.revisionHistoryLimit, state.revisionHistoryLimit);
  assert.equal(deployment?.spec.minReadySeconds, state.minReadySeconds);
});

helmTest('autosharding: a StatefulSet whose pods determine their shard, with the permissions for it', () => {
  const objects = render(story('autosharding'));
  assert.equal(ofKind(objects, 'Deployment').length, 0);
  const [set] = ofKind(objects, 'StatefulSet');
  assert.equal(set?.spec.replicas, 3);
  const services = ofKind(objects, 'Service').map(({ metadata }) => metadata.name);
  assert.ok(services.includes(set?.spec.serviceName));
  const { args, env } = set?.spec.template.spec.containers[0] ?? {};
  for (const setting of ['pod=$(POD_NAME)', 'podNamespace=$(POD_NAMESPACE)']) {
    assert.ok(args.includes(`collectors.ksm.${setting}`), setting);
  }
  for (const name of ['POD_NAME', 'POD_NAMESPACE']) assert.ok(env.some((one: Manifest) => one.name === name));
  const rules: Manifest[] = ofKind(objects, 'Role').flatMap((role) => role.rules);
  const may = (resource: string, name: string) =>
    rules.some(
      ({ resources, verbs, resourceNames = [name] }) =>
        resources.includes(resource) && verbs.includes('get') && resourceNames.includes(name),
    );
  assert.ok(may('statefulsets', set?.metadata.name ?? '') && may('pods', 'any'));
  for (const lease of ['firesteel', 'firesteel-2']) assert.ok(may('leases', lease), lease);
});

helmTest(
  'local push: pods reach the agent of their node through a Service, programs on the host through a socket',
  () => {
    const objects = render(story('local-push'));
    const config = parse(configText(objects, 'node'));
    assert.deepEqual(config.localPush, {
      enabled: true,
      ttl: '10m',
      limits: { jobs: 20 },
      socket: '/run/firesteel/push.sock',
      tokenFile: '/etc/firesteel-tokens/push',
    });
    const push = ofKind(objects, 'Service').find(({ metadata }) => metadata.name.endsWith('-push'));
    assert.equal(push?.spec.internalTrafficPolicy, 'Local');
    const node = podsOf(objects).find(({ kind }) => kind === 'DaemonSet');
    assert.deepEqual(push?.spec.selector, node?.workload.spec.selector.matchLabels);
    const [policy] = ofKind(objects, 'NetworkPolicy');
    assert.deepEqual(policy?.spec.ingress, [
      { ports: [{ port: 9750, protocol: 'TCP' }], from: [{ namespaceSelector: {} }] },
    ]);
    assert.equal(parse(configText(objects, 'state')).localPush, undefined);
  },
);

helmTest('a policy allows traffic to the ports behind Services, and to name servers on other ports', () => {
  const networkPolicy = { enabled: true, dnsPorts: [53, 1053], exporterPorts: [8480] };
  const [node] = ofKind(render(overlay(MINIMAL, { networkPolicy })), 'NetworkPolicy');
  const ports = node?.spec.egress.map((rule: Manifest) => rule.ports.map(({ port }: Manifest) => port));
  assert.deepEqual(ports?.slice(0, 2), [
    [53, 53, 1053, 1053],
    [8428, 8480],
  ]);
});
