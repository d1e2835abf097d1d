import { hash } from 'node:crypto';
import type { KubeObject } from '../../src/kube/object.ts';
import type { FakeCluster } from '../../test/kit/fake-cluster.ts';

// As in many clusters: small Deployments, each with the ReplicaSet of its previous version and the current one.
const PODS_PER_DEPLOYMENT = 5;
const DEPLOYMENTS_PER_NAMESPACE = 20;
const PODS_PER_NODE = 50;

export const PODS = '/api/v1/pods';

const SERVICES = ['checkout', 'catalogue', 'payment', 'search', 'session', 'pricing', 'inventory', 'billing'];

/** What distinguishes one pod, and the objects related to it, from others. */
interface Names {
  readonly app: string;
  readonly namespace: string;
  readonly templateHash: string;
  readonly suffix: string;
  readonly node: string;
  readonly hostIp: string;
  readonly podIp: string;
  readonly ageMs: number;
}

const digest = (text: string): string => hash('sha256', text);

function namesOf(pod: number, version = 'current'): Names {
  const deployment = Math.floor(pod / PODS_PER_DEPLOYMENT);
  const node = Math.floor(pod / PODS_PER_NODE);
  const random = digest(`pod ${pod}`);
  return {
    app: `${SERVICES[deployment % SERVICES.length]}-${deployment}`,
    namespace: `team-${Math.floor(deployment / DEPLOYMENTS_PER_NAMESPACE)}`,
    templateHash: digest(`${version} template ${deployment}`).slice(0, 10),
    suffix: random.slice(0, 5),
    node: `ip-10-0-${node >> 8}-${node & 255}.eu-central-1.compute.internal`,
    hostIp: `10.0.${node >> 8}.${node & 255}`,
    podIp: `10.${100 + (pod >> 16)}.${(pod >> 8) & 255}.${pod & 255}`,
    ageMs: Number.parseInt(random.slice(8, 15), 16) * 10,
  };
}

const asUid = (hex: string): string =>
  hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, (_, ...parts) => parts.slice(0, 5).join('-'));

/** The texts of the recorded objects that differ from object to object, and their replacements. */
const VARIABLES: readonly (readonly [pattern: RegExp, value: (names: Names, recorded: string) => string])[] = [
  [/web-67b7ddc566-[a-z0-9]{5}/, ({ app, templateHash, suffix }) => `${app}-${templateHash}-${suffix}`],
  [/web-67b7ddc566/, ({ app, templateHash }) => `${app}-${templateHash}`],
  [/67b7ddc566/, ({ templateHash }) => templateHash],
  [/\bweb\b/, ({ app }) => app],
  [/\bshop\b/, ({ namespace }) => namespace],
  [/\bnode1\b/, ({ node }) => node],
  [/10\.244\.0\.1\b/, ({ hostIp }) => hostIp],
  [/10\.244\.0\.\d+/, ({ podIp }) => podIp],
  [/localhost\/busybox:1/, ({ app, namespace }) => `registry.example.com/${namespace}/${app}:1.42.7`],
  [/sha256:[0-9a-f]{64}/, ({ app }, recorded) => `sha256:${digest(app + recorded)}`],
  [/containerd:\/\/[0-9a-f]{64}/, ({ podIp }, recorded) => `containerd://${digest(podIp + recorded)}`],
  [/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/, (names, recorded) => asUid(digest(JSON.stringify(names) + recorded))],
  [
    /2026-11-20T13:\d\d:\d\dZ/,
    ({ ageMs }, recorded) => `${new Date(Date.parse(recorded) - ageMs).toISOString().slice(0, 19)}Z`,
  ],
];

/** Creates objects like a recorded one. */
interface Maker {
  object(names: Names): KubeObject;
  /** The JSON of the object as an item of a list, which has neither kind nor version. */
  item(names: Names): string;
}

function maker(recorded: KubeObject): Maker {
  const { kind: _, apiVersion: __, ...item } = recorded;
  const whole = templateOf(JSON.stringify(recorded));
  return { object: (names) => JSON.parse(whole(names)), item: templateOf(JSON.stringify(item)) };
}

/**
 * The JSON of a recorded object with other names. It is split once, and each distinct text is replaced once per object:
 * 200,000 pods would otherwise take minutes.
 */
function templateOf(recorded: string): (names: Names) => string {
  const pattern = new RegExp(VARIABLES.map(([{ source }]) => `(${source})`).join('|'), 'g');
  const fixed: string[] = [];
  const places: number[] = [];
  const values: ((names: Names) => string)[] = [];
  const known = new Map<string, number>();
  let start = 0;
  for (const match of recorded.matchAll(pattern)) {
    const [found, ...groups] = match;
    const [, value] = VARIABLES[groups.findIndex((group) => group !== undefined)] ?? [];
    fixed.push(recorded.slice(start, match.index));
    start = match.index + found.length;
    const place = known.get(found) ?? values.push((names) => value?.(names, found) ?? found) - 1;
    known.set(found, place);
    places.push(place);
  }
  const rest = recorded.slice(start);
  return (names) => {
    const made = values.map((value) => value(names));
    return fixed.map((text, index) => `${text}${made[places[index] ?? 0]}`).join('') + rest;
  };
}

/** The changing pods of a cluster. */
export interface SyntheticCluster {
  readonly pods: number;
  /** The pod with this number, whose first container has this many restarts. */
  pod(index: number, restarts?: number): KubeObject;
}

/**
 * Replaces the recorded objects with `pods` pods of two containers, with their Deployments, ReplicaSets, namespaces and
 * nodes. They are created when they are listed: 100,000 would not fit into memory.
 */
export function fillCluster(cluster: FakeCluster, pods: number): SyntheticCluster {
  const like = (path: string, name: string) => {
    const recorded = [...cluster.collection(path).objects.values()].find(({ metadata }) =>
      metadata?.name?.startsWith(name),
    );
    if (recorded === undefined) throw new Error(`nothing recorded in ${path} is called ${name}`);
    return maker(recorded);
  };
  const generate = (path: string, name: string, count: number, namesAt: (index: number) => Names): Maker => {
    const maker = like(path, name);
    const collection = cluster.collection(path);
    collection.objects.clear();
    const make = (index: number) => maker.object(namesAt(index));
    collection.generated = { count, make, itemText: (index) => maker.item(namesAt(index)) };
    return maker;
  };
  const deployments = Math.ceil(pods / PODS_PER_DEPLOYMENT);
  const ofDeployment = (deployment: number, version?: string) => namesOf(deployment * PODS_PER_DEPLOYMENT, version);
  const makePod = generate(PODS, 'web-', pods, (index) => namesOf(index)).object;
  generate('/apis/apps/v1/deployments', 'web', deployments, (index) => ofDeployment(index));
  generate('/apis/apps/v1/replicasets', 'web', 2 * deployments, (index) =>
    ofDeployment(index >> 1, index % 2 === 0 ? 'current' : 'last'),
  );
  generate('/api/v1/namespaces', 'shop', Math.ceil(deployments / DEPLOYMENTS_PER_NAMESPACE), (index) =>
    ofDeployment(index * DEPLOYMENTS_PER_NAMESPACE),
  );
  generate('/api/v1/nodes', 'node1', Math.ceil(pods / PODS_PER_NODE), (index) => namesOf(index * PODS_PER_NODE));
  return {
    pods,
    pod(index, restarts = 0) {
      const pod = makePod(namesOf(index)) as KubeObject & { status: { containerStatuses: object[] } };
      const [first, ...others] = pod.status.containerStatuses;
      return {
        ...pod,
        status: { ...pod.status, containerStatuses: [{ ...first, restartCount: restarts }, ...others] },
      } as KubeObject;
    },
  };
}
