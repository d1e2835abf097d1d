import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { configText, type Manifest, overlay, podsOf, render, story } from './chart.ts';
import { helmTest } from './helm-test.ts';

const MINIMAL = story('minimal');
const DOCKERFILE = new URL('../../Dockerfile', import.meta.url);

const configOf = (objects: readonly Manifest[], role: string) => parse(configText(objects, role));

const paths = (value: unknown): string[] => {
  if (typeof value === 'string') return value.startsWith('/etc/') ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(paths) : [];
};

/** Folder and files of each volume of secrets that a pod mounts below /etc. */
function mountedFiles(pod: Manifest): string[] {
  return pod.containers[0].volumeMounts.flatMap(({ name, mountPath }: Manifest) => {
    const volume = pod.volumes.find((candidate: Manifest) => candidate.name === name);
    const sources: Manifest[] = volume.projected?.sources ?? [volume];
    const items = sources.flatMap(({ secret, serviceAccountToken }) => {
      if (serviceAccountToken) return [serviceAccountToken.path];
      if (!secret) return [];
      return secret.items?.map(({ path }: { path: string }) => path) ?? ['tls.crt', 'tls.key', 'ca.crt'];
    });
    return items.map((path: string) => `${mountPath}/${path}`);
  });
}

for (const name of ['two-exporters-tls', 'extra-everything']) {
  helmTest(`${name}: every file that the configuration names is mounted`, () => {
    const objects = render(story(name));
    for (const { kind, pod } of podsOf(objects)) {
      const named = paths(configOf(objects, kind === 'DaemonSet' ? 'node' : 'state'));
      assert.ok(named.length > 0);
      const mounted = mountedFiles(pod);
      for (const path of named) assert.ok(mounted.includes(path), `${kind}: ${path} is not among ${mounted.join(' ')}`);
    }
  });
}

helmTest('secrets are only in the Secret', () => {
  const auth = { username: 'me', password: 'hush-hush' };
  const objects = render(overlay(MINIMAL, { exporters: { vm: { auth } } }));
  const secret = objects.find(({ kind }) => kind === 'Secret');
  assert.deepEqual(secret?.data, { 'vm.password': Buffer.from('hush-hush').toString('base64') });
  const others = JSON.stringify(objects.filter((object) => object !== secret));
  assert.doesNotMatch(others, /hush-hush|aHVzaC1odXNo/);
});

helmTest('node agents use the Service of the state agents, on the port on which these listen', () => {
  const objects = render(overlay(MINIMAL, { http: { port: 9999 } }), '-n', 'monitoring');
  const { identity } = configOf(objects, 'node').collectors.container;
  assert.deepEqual(identity, { source: 'state', url: 'http://firesteel-state.monitoring.svc:9999' });
  const service = objects.find(({ kind }) => kind === 'Service');
  assert.equal(service?.metadata.name, 'firesteel-state');
  assert.equal(service?.spec.ports[0].port, 9999);
  assert.equal(configOf(objects, 'state').http.listen, ':9999');
  assert.equal(podsOf(objects)[1]?.pod.containers[0].ports[0].containerPort, 9999);
});

helmTest('over TLS the Service has https, its CA is configured, and probes follow', () => {
  const objects = render(overlay(MINIMAL, { http: { tls: { existingSecret: 'own' } } }));
  const { url, caFile } = configOf(objects, 'node').collectors.container.identity;
  assert.equal(url, 'https://firesteel-state.default.svc:9750');
  assert.equal(caFile, '/etc/firesteel-tls/ca.crt');
  for (const { pod } of podsOf(objects)) assert.equal(pod.containers[0].livenessProbe.httpGet.scheme, 'HTTPS');
});

helmTest('traps arrive at the configured port, from allowed peers', () => {
  const traps = story('snmp-traps');
  const objects = render(traps);
  const ports = (list: readonly Manifest[]) => podsOf(list).map(({ pod }) => pod.containers[0].ports);
  const port = { name: 'snmp-traps', containerPort: 1162, hostPort: 162, protocol: 'UDP' };
  assert.deepEqual(ports(objects)[0].slice(1), [port]);
  assert.deepEqual(ports(objects)[1].slice(1), []);
  const rules = objects.filter(({ kind }) => kind === 'NetworkPolicy').flatMap(({ spec }) => spec.ingress);
  const peers = [{ ipBlock: { cidr: '10.0.0.0/8' } }];
  assert.deepEqual(rules[0], { ports: [{ port: 1162, protocol: 'UDP' }], from: peers });
  const elsewhere = overlay(traps, { collectors: { snmp: { listen: '[::]:2162' } }, node: { hostNetwork: true } });
  assert.deepEqual(ports(render(elsewhere))[0][1], { name: 'snmp-traps', containerPort: 2162, protocol: 'UDP' });
  const off = render(overlay(traps, { collectors: { snmp: { enabled: false } } }));
  assert.doesNotMatch(JSON.stringify(off), /snmp-traps|UDP","port":1162/);
});

helmTest('the kubelet is queried at the address of the node', () => {
  const collectors = { container: { kubeletMetrics: true, identity: { source: 'kubelet' } } };
  const [node] = podsOf(render(overlay(MINIMAL, { collectors })));
  const [{ args, env }] = node?.pod.containers ?? [];
  assert.ok(args.includes('collectors.container.kubelet.url=https://$(NODE_IP):10250'));
  assert.ok(args.includes('collectors.container.identity.url=https://$(NODE_IP):10250'));
  assert.ok(env.some(({ name }: { name: string }) => name === 'NODE_IP'));
  const kubelet = { url: 'https://[::1]:10250' };
  const [given] = podsOf(render(overlay(MINIMAL, { collectors: { container: { kubeletMetrics: true, kubelet } } })));
  assert.deepEqual(given?.pod.containers[0].args, ['run', '--config', '/etc/firesteel/config.yaml']);
});

helmTest("options for Node replace those of the image; without them the image's command runs", () => {
  const command = (nodeOptions: readonly string[]) =>
    podsOf(render(overlay(MINIMAL, { node: { nodeOptions } })))[0]?.pod.containers[0].command;
  assert.equal(command([]), undefined);
  const entrypoint = /^ENTRYPOINT (.+)$/m.exec(readFileSync(DOCKERFILE, 'utf8'))?.[1] ?? '';
  const usual = JSON.parse(entrypoint) as string[];
  const options = usual.slice(2, -1);
  assert.ok(options.length > 0);
  assert.deepEqual(command(options), usual);
});

helmTest('host paths are those of the mounts, and unmounted ones are not used', () => {
  const seen = (values: typeof MINIMAL) => {
    const objects = render(overlay(MINIMAL, values));
    const mounts: Manifest[] = podsOf(objects)[0]?.pod.containers[0].volumeMounts;
    return { config: configOf(objects, 'node'), mounts: mounts.map(({ mountPath }) => mountPath) };
  };
  const { config, mounts } = seen({});
  for (const path of Object.values<string>(config.paths))
    assert.ok(
      mounts.some((mount) => path.startsWith(mount)),
      path,
    );
  const without = seen({ node: { mountHostRoot: false } });
  assert.ok(!without.mounts.includes('/host/root'));
  assert.equal(without.config.collectors.node.filesystem.enabled, false);
  // Without a mount nothing is found: the image's own /etc must not be used as the host's.
  assert.equal(without.config.paths.rootfs, '/host/root');
});

helmTest('no state agent is stopped before its successor is ready, also in each of several shards', () => {
  for (const shards of [1, 2]) {
    const deployments = render(overlay(MINIMAL, { state: { shards } })).filter(({ kind }) => kind === 'Deployment');
    assert.equal(deployments.length, shards);
    for (const { spec } of deployments) {
      assert.equal(spec.strategy.type, 'RollingUpdate');
      assert.equal(spec.strategy.rollingUpdate.maxUnavailable, 0);
      assert.equal(spec.template.spec.containers[0].readinessProbe.httpGet.path, '/readyz');
    }
  }
});

helmTest('a workload exists if one of its collectors is enabled', () => {
  const off = { enabled: false };
  const kinds = (collectors: object) => podsOf(render(overlay(MINIMAL, { collectors }))).map(({ kind }) => kind);
  assert.deepEqual(kinds({ node: off, container: off }), ['DaemonSet', 'Deployment']);
  assert.deepEqual(kinds({ node: off, container: off, process: off }), ['Deployment']);
  assert.deepEqual(kinds({ ksm: off }), ['DaemonSet']);
});

helmTest('the volume of the spool is larger than the spool', () => {
  const limit = (maxBytes: string, exporters: object = {}) =>
    podsOf(render(overlay(MINIMAL, { spool: { maxBytes }, exporters })))[0]?.pod.volumes.find(
      ({ name }: Manifest) => name === 'spool',
    ).emptyDir.sizeLimit;
  assert.equal(limit('256MiB'), `${256 * 1152}Ki`);
  assert.equal(limit('2GiB'), `${2 * 1152}Mi`);
  const second = { other: { url: 'http://other:8428' }, gateway: { type: 'pushgateway', url: 'http://gateway:9091' } };
  assert.equal(limit('2GiB', second), `${2 * 2 * 1152}Mi`);
});

helmTest('a network policy allows traffic to every receiver, DNS and the API server, and from node agents', () => {
  const objects = render(
    overlay(story('two-exporters-tls'), { networkPolicy: { enabled: true, apiServerPorts: [6443] } }),
  );
  const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy');
  const portsOut = policies.map(({ spec }) =>
    spec.egress.map(({ ports }: Manifest) => ports.map((p: Manifest) => p.port)),
  );
  assert.deepEqual(portsOut, [
    [[53, 53], [443, 8427, 9091], [9750]],
    [[53, 53], [443, 8427, 9091], [9750], [6443]],
  ]);
  const [node, state] = policies;
  assert.deepEqual(node?.spec.ingress, []);
  const own = { podSelector: state?.spec.podSelector };
  assert.deepEqual(state?.spec.ingress[0].from, [{ podSelector: node?.spec.podSelector }, own]);
  assert.deepEqual(state?.spec.egress[2].to, [own]);
});

helmTest('state agents find each other through a headless Service, ready or not', () => {
  const objects = render(story('two-exporters-tls'));
  const peers = objects.find(({ kind, metadata }) => kind === 'Service' && metadata.name.endsWith('-peers'));
  assert.equal(peers?.spec.clusterIP, 'None');
  assert.equal(peers?.spec.publishNotReadyAddresses, true);
  assert.deepEqual(configOf(objects, 'state').election.peers, [`${peers?.metadata.name}:${peers?.spec.ports[0].port}`]);
});

helmTest('each shard has a Deployment and a Lease, and one Service covers all of them', () => {
  const objects = render(overlay(MINIMAL, { state: { shards: 3, replicas: 2 } }));
  const deployments = objects.filter(({ kind }) => kind === 'Deployment');
  assert.deepEqual(
    deployments.map(({ metadata, spec }) => [metadata.name, spec.replicas]),
    [
      ['firesteel-state', 2],
      ['firesteel-state-1', 2],
      ['firesteel-state-2', 2],
    ],
  );
  const leases = deployments.map(({ spec: { selector, template } }, shard) => {
    const { labels } = template.metadata;
    for (const [name, value] of Object.entries(selector.matchLabels)) assert.equal(labels[name], value);
    const { args } = template.spec.containers[0];
    assert.ok(args.includes('collectors.ksm.totalShards=3') && args.includes(`collectors.ksm.shard=${shard}`));
    for (const service of objects.filter(({ kind }) => kind === 'Service')) {
      for (const [name, value] of Object.entries(service.spec.selector)) assert.equal(labels[name], value);
    }
    return args.find((arg: string) => arg.startsWith('election.lease='))?.split('=')[1] ?? 'firesteel';
  });
  assert.deepEqual(leases, ['firesteel', 'firesteel-1', 'firesteel-2']);
  const role = objects.find(({ kind, rules }) => kind === 'Role' && JSON.stringify(rules).includes('leases'));
  for (const lease of leases) assert.ok(role?.rules.at(-1).resourceNames.includes(lease));
  // Objects of a release without shards do not change: selectors are immutable.
  const [alone] = render(MINIMAL).filter(({ kind }) => kind === 'Deployment');
  assert.deepEqual(alone?.spec.selector, deployments[0]?.spec.selector);
});

helmTest('pods with ping tasks get the sysctl; others, and those in the host’s network, do not', () => {
  const tasks = [{ id: 'gateway', type: 'ping', targets: ['10.0.0.1'], interval: '1s' }];
  const sysctls = (values: object) =>
    Object.fromEntries(
      podsOf(render(overlay(MINIMAL, values as typeof MINIMAL))).map(({ kind, pod }) => [
        kind,
        pod.securityContext.sysctls,
      ]),
    );
  const allowed = [{ name: 'net.ipv4.ping_group_range', value: '0 2147483647' }];
  assert.deepEqual(sysctls({}), { DaemonSet: undefined, Deployment: undefined });
  assert.deepEqual(sysctls({ node: { extraConfig: { tasks } } }), { DaemonSet: allowed, Deployment: undefined });
  assert.deepEqual(sysctls({ state: { extraConfig: { tasks } } }), { DaemonSet: undefined, Deployment: allowed });
  const inHost = { node: { hostNetwork: true, extraConfig: { tasks } } };
  assert.deepEqual(sysctls(inHost), { DaemonSet: undefined, Deployment: undefined });
  const others = {
    node: {
      extraConfig: {
        tasks: [
          { ...tasks[0], type: 'http' },
          { ...tasks[0], enabled: false },
        ],
      },
    },
  };
  assert.deepEqual(sysctls(others), { DaemonSet: undefined, Deployment: undefined });
});

helmTest('container logs: the folder is mounted, pods are known, and state agents send the annotation', () => {
  const log = { enabled: true, containers: { enabled: true } };
  const collectors = { log, container: { enabled: false }, process: { enabled: false } };
  const objects = render(overlay(MINIMAL, { collectors }));
  const { collectors: ofNode } = configOf(objects, 'node');
  assert.deepEqual(ofNode.log, log);
  assert.equal(ofNode.container.identity.source, 'state');
  const annotations = (root: readonly Manifest[]) => configOf(root, 'state').collectors.ksm.podInfo?.annotations;
  assert.deepEqual(annotations(objects), ['prometheus.io/*', 'firesteel.io/logs']);
  const daemon = podsOf(objects).find(({ kind }) => kind === 'DaemonSet');
  const mounts = daemon?.pod.containers[0].volumeMounts.map(({ mountPath }: Manifest) => mountPath);
  assert.ok(mounts.includes('/var/log'), mounts.join());
  const other = { log: { enabled: true, containers: { enabled: true, annotation: 'example.com/follow' } } };
  const scrape = { annotations: { enabled: true, prefix: 'example.com' } };
  assert.deepEqual(annotations(render(overlay(MINIMAL, { scrape, collectors: other }))), [
    'example.com/*',
    'example.com/follow',
  ]);
  assert.equal(annotations(render(overlay(MINIMAL, { collectors: { log: { enabled: true } } }))), undefined);
});

helmTest('scraping pods: node agents know their pods and reach them, state agents report the required metadata', () => {
  const scrape = {
    annotations: { enabled: true, prefix: 'example.com' },
    pods: [{ name: 'web', selector: { matchLabels: { app: 'web' } }, port: 'metrics' }],
    targets: [{ job: 'etcd', urls: ['https://127.0.0.1:2379/metrics'] }],
  };
  const without = render(MINIMAL);
  assert.equal(configOf(without, 'node').scrape, undefined);
  const collectors = { container: { enabled: false }, process: { enabled: false } };
  const objects = render(overlay(MINIMAL, { scrape, collectors, networkPolicy: { enabled: true } }));
  const node = configOf(objects, 'node');
  assert.deepEqual(node.scrape, scrape);
  assert.equal(node.collectors.container.identity.source, 'state');
  const state = configOf(objects, 'state');
  assert.equal(state.scrape, undefined);
  assert.deepEqual(state.collectors.ksm.podInfo, { labels: ['*'], annotations: ['example.com/*'] });
  const daemon = podsOf(objects).find(({ kind }) => kind === 'DaemonSet');
  const names = daemon?.pod.containers[0].env.map(({ name }: Manifest) => name);
  assert.ok(names.includes('POD_NAME'), names.join());
  const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy');
  const open = policies.filter(({ spec }) => JSON.stringify(spec.egress).includes('{"to":[{"namespaceSelector":{}}]}'));
  assert.equal(open.length, 1);
});

helmTest('the configuration of each role contains its tasks and sources, and no others', () => {
  const task = (id: string) => ({ id, type: 'node.loadavg' });
  const values = overlay(MINIMAL, {
    node: { tasks: [task('on-nodes')], sources: [{ directory: '/etc/firesteel-tasks' }] },
    state: { tasks: [task('on-leader')] },
  });
  const objects = render(values);
  assert.deepEqual(configOf(objects, 'node').tasks, [task('on-nodes')]);
  assert.deepEqual(configOf(objects, 'node').sources, [{ directory: '/etc/firesteel-tasks' }]);
  assert.deepEqual(configOf(objects, 'state').tasks, [task('on-leader')]);
  assert.equal(configOf(objects, 'state').sources, undefined);
});
