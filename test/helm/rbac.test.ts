import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { parseCustomResources } from '../../src/collectors/ksm/custom/resource.ts';
import { resources } from '../../src/collectors/ksm/resources/index.ts';
import { fixture } from '../kit/host-tree.ts';
import { configText, type Manifest, overlay, podsOf, render, story, type Values } from './chart.ts';
import { helmTest } from './helm-test.ts';

const MINIMAL = story('minimal');

const groupOf = (name: string): string => {
  const { apiVersion } = resources.find((resource) => resource.name === name) ?? { apiVersion: '?/' };
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
};

/** Rules as `group/resource verb`, sorted. */
const flat = (rules: readonly Manifest[]): string[] =>
  rules
    .flatMap(({ apiGroups, resources: names, verbs, resourceNames }) =>
      apiGroups.flatMap((group: string) =>
        names.flatMap((name: string) =>
          verbs.map((verb: string) => `${group}/${name}${resourceNames ? `=${resourceNames}` : ''} ${verb}`),
        ),
      ),
    )
    .sort();

const toFollow = (names: readonly string[]): string[] =>
  names.flatMap((name) => ['list', 'watch'].map((verb) => `${groupOf(name)}/${name} ${verb}`)).sort();

/** Permissions of an account: rules of the roles bound to it, those of one namespace with the prefix `namespace:`. */
function rightsOf(objects: readonly Manifest[], account: string): string[] {
  return objects
    .filter(({ kind, subjects }) => /Binding$/.test(kind) && subjects[0].name === account)
    .flatMap(({ roleRef, metadata: { namespace } }) => {
      const role = objects.find(
        ({ kind, metadata }) =>
          kind === roleRef.kind && metadata.name === roleRef.name && metadata.namespace === namespace,
      );
      assert.ok(role, `no ${roleRef.kind} ${roleRef.name}`);
      return flat(role.rules).map((right) => (namespace === undefined ? right : `${namespace}:${right}`));
    })
    .sort();
}

const LEASE = ['create', '=firesteel get', '=firesteel update'].map(
  (end) => `default:coordination.k8s.io/leases${end.startsWith('=') ? end : ` ${end}`}`,
);

const DEFAULTS = resources.filter(({ enabled }) => enabled).map(({ name }) => name);

const rights = (values: Values, account = 'firesteel-state') => rightsOf(render(overlay(MINIMAL, values)), account);

helmTest('state agents may list and watch what they follow and hold their Lease, nothing else', () => {
  assert.deepEqual(rights({}), [...toFollow(DEFAULTS), ...LEASE].sort());
  assert.ok(!DEFAULTS.includes('secrets') && !DEFAULTS.includes('configmaps'));
});

helmTest('permissions follow the list of resources', () => {
  const names = resources.map(({ name }) => name);
  const halves = [0, 1].map((rest) => names.filter((name, index) => name === 'pods' || index % 2 === rest));
  for (const list of [names, ...halves]) {
    assert.deepEqual(rights({ collectors: { ksm: { resources: list } } }), [...toFollow(list), ...LEASE].sort());
  }
});

helmTest('resources can be added and removed, and the configuration has the same list', () => {
  const ksm = { resourcesExtra: ['secrets', 'pods'], resourcesExclude: ['leases'] };
  const names = [...DEFAULTS.filter((name) => name !== 'leases'), 'secrets'].sort();
  const objects = render(overlay(MINIMAL, { collectors: { ksm } }));
  assert.deepEqual(rightsOf(objects, 'firesteel-state'), [...toFollow(names), ...LEASE].sort());
  assert.deepEqual(
    [...configText(objects, 'state').matchAll(/^ {4}- (\w+)$/gm)].map(([, name]) => name),
    names,
  );
});

helmTest('events are listed and watched only if they are counted, only by state agents', () => {
  const event = { enabled: true, types: ['Warning'] };
  const objects = render(overlay(MINIMAL, { collectors: { event } }));
  const both = ['/events list', '/events watch'];
  assert.deepEqual(rightsOf(objects, 'firesteel-state'), [...toFollow(DEFAULTS), ...both, ...LEASE].sort());
  assert.deepEqual(rightsOf(objects, 'firesteel-node'), rightsOf(render(MINIMAL), 'firesteel-node'));
  assert.deepEqual(parse(configText(objects, 'state')).collectors.event, event);
  assert.ok(!rightsOf(render(MINIMAL), 'firesteel-state').some((right) => right.includes('events')));
});

helmTest('with namespaced permissions there is a Role in each namespace and nothing cluster-wide', () => {
  const objects = render(story('namespaced-rbac'));
  assert.ok(!objects.some(({ kind }) => kind.startsWith('ClusterRole')));
  const names = ['cronjobs', 'deployments', 'jobs', 'pods', 'replicasets', 'services', 'statefulsets'];
  const both = ['team-a', 'team-b'].flatMap((space) => toFollow(names).map((right) => `${space}:${right}`));
  assert.deepEqual(rightsOf(objects, 'firesteel-state'), [...both, ...LEASE].sort());
});

helmTest('namespaces with commas are lists, as for the agent: each has its Role once', () => {
  const rightsFor = (namespaces: readonly string[]) =>
    rightsOf(render(overlay(story('namespaced-rbac'), { collectors: { ksm: { namespaces } } })), 'firesteel-state');
  const separate = rightsFor(['team-a', 'team-b', 'team-c']);
  assert.ok(separate.some((right) => right.startsWith('team-c:')));
  assert.deepEqual(rightsFor(['team-a,team-b', 'team-c', ' team-b, team-a,']), separate);
});

helmTest('namespaces of events have Roles for events, those of objects only if events of these are counted', () => {
  const ksm = { resources: ['pods'], namespaces: ['team-a', 'team-b'] };
  const rightsFor = (event: Values) => {
    const objects = render(overlay(story('namespaced-rbac'), { collectors: { ksm, event } }));
    assert.ok(!objects.some(({ kind }) => kind.startsWith('ClusterRole')));
    return rightsOf(objects, 'firesteel-state');
  };
  const to = (name: string, ...spaces: readonly string[]) =>
    spaces.flatMap((space) => [`${space}:/${name} list`, `${space}:/${name} watch`]);
  const pods = to('pods', 'team-a', 'team-b');
  const namespaces = ['team-b, infra', 'infra'];
  assert.deepEqual(
    rightsFor({ enabled: true, namespaces }),
    [...pods, ...to('events', 'team-b', 'infra'), ...LEASE].sort(),
  );
  assert.deepEqual(rightsFor({ enabled: true }), [...pods, ...to('events', 'team-a', 'team-b'), ...LEASE].sort());
  assert.deepEqual(rightsFor({ enabled: false, namespaces }), [...pods, ...LEASE].sort());
});

const customOf = (entries: readonly (readonly [group: string, kind: string, plural?: string])[]) => ({
  spec: {
    resources: entries.map(([group, kind, resourcePlural]) => ({
      groupVersionKind: { group, version: '*', kind },
      ...(resourcePlural !== undefined && { resourcePlural }),
      metrics: [{ name: 'info', each: { type: 'Info', info: { labelsFromPath: { name: ['metadata', 'name'] } } } }],
    })),
  },
});

helmTest('permissions include custom resources, with the plural that the agent requests', () => {
  const customResourceState = customOf([
    ['acme.io', 'Widget'],
    ['acme.io', 'Proxy'],
    ['acme.io', 'Gateway'],
    ['acme.io', 'Ingress'],
    ['acme.io', 'Box'],
    ['acme.io', 'Watch'],
    ['acme.io', 'Sheep', 'sheep'],
    ['acme.io', 'Widget'],
    ['karpenter.sh', 'NodePool'],
    ['apps', 'Deployment'],
  ]);
  const right = ({ name, apiVersion }: { name: string; apiVersion: string }) => `${apiVersion.split('/')[0]}/${name}`;
  const custom = parseCustomResources(JSON.stringify(customResourceState)).map(right);
  const wanted = [...new Set([...custom, '/pods'])].flatMap((name) => [`${name} list`, `${name} watch`]);
  const ksm = { resources: ['pods'], customResourceState };
  assert.deepEqual(rights({ collectors: { ksm } }), [...wanted, ...LEASE].sort());
  const spaces = ['team-a', 'team-b'];
  const objects = render(overlay(story('namespaced-rbac'), { collectors: { ksm: { ...ksm, namespaces: spaces } } }));
  assert.deepEqual(
    rightsOf(objects, 'firesteel-state'),
    [...spaces.flatMap((space) => wanted.map((one) => `${space}:${one}`)), ...LEASE].sort(),
  );
});

helmTest(
  'the Role of a tenant includes its custom resources, as in the report of a tenant that could not list them',
  () => {
    const values = parse(readFileSync(fixture('reports/cr-namespaced-role/values.yaml'), 'utf8')) as Values;
    const names = ['acme.io/widgets', 'apps/deployments', '/pods'];
    const wanted = names.flatMap((name) => [`team-a:${name} list`, `team-a:${name} watch`]);
    const objects = render(values);
    assert.ok(!objects.some(({ kind }) => kind.startsWith('ClusterRole')));
    const lease = rightsOf(objects, 'firesteel-state').filter((right) => !right.startsWith('team-a:'));
    assert.ok(lease.every((right) => right.includes('coordination.k8s.io/leases')));
    assert.deepEqual(rightsOf(objects, 'firesteel-state'), [...wanted, ...lease].sort());
  },
);

helmTest('node agents reach state agents that are not ready: they may know the pods', () => {
  const services = render(MINIMAL).filter(({ kind, metadata }) => kind === 'Service' && /-state/.test(metadata.name));
  assert.ok(services.length > 0);
  for (const { spec } of services) assert.equal(spec.publishNotReadyAddresses, true);
});

helmTest('node agents that use state agents have no permissions and no token', () => {
  const objects = render(MINIMAL);
  assert.deepEqual(rightsOf(objects, 'firesteel-node'), []);
  const [node, state] = podsOf(objects);
  assert.equal(node?.pod.automountServiceAccountToken, false);
  assert.equal(state?.pod.automountServiceAccountToken, true);
  for (const { kind, automountServiceAccountToken } of objects) {
    if (kind === 'ServiceAccount') assert.equal(automountServiceAccountToken, false);
  }
});

helmTest('node agents get the permissions that another source of names needs, and a token', () => {
  const expected: readonly (readonly [Values, readonly string[]])[] = [
    [{ ksm: { enabled: false } }, ['/pods list', '/pods watch']],
    [{ container: { identity: { source: 'apiserver' } } }, ['/pods list', '/pods watch']],
    [{ container: { identity: { source: 'kubelet' } } }, ['/nodes/pods get']],
    [{ container: { kubeletMetrics: true } }, ['/nodes/metrics get']],
    [{ container: { source: 'kubelet', identity: { source: 'none' } } }, ['/nodes/metrics get']],
    [{ container: { identity: { source: 'none' } } }, []],
    [{ container: { enabled: false }, ksm: { enabled: false } }, []],
    [
      { container: { enabled: false }, ksm: { enabled: false }, process: { byPod: true } },
      ['/pods list', '/pods watch'],
    ],
  ];
  for (const [collectors, list] of expected) {
    const objects = render(overlay(MINIMAL, { collectors }));
    assert.deepEqual(rightsOf(objects, 'firesteel-node'), list, JSON.stringify(collectors));
    assert.equal(podsOf(objects)[0]?.pod.automountServiceAccountToken, list.length > 0);
  }
});

helmTest('checking the tokens of node agents needs one more permission, and they get a token for this only', () => {
  const values = { http: { podInfoAuth: { type: 'tokenReview' } } };
  const right = 'authentication.k8s.io/tokenreviews create';
  assert.deepEqual(rights(values), [...toFollow(DEFAULTS), ...LEASE, right].sort());
  const [node] = podsOf(render(overlay(MINIMAL, values)));
  assert.equal(node?.pod.automountServiceAccountToken, false);
  const volume = node?.pod.volumes.find(({ name }: Manifest) => name === 'tokens');
  assert.equal(volume.projected.sources[0].serviceAccountToken.audience, 'firesteel');
});

helmTest('without rbac.create there are no roles', () => {
  assert.deepEqual(rights({ rbac: { create: false } }), []);
});
