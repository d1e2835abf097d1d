import { createHash } from 'node:crypto';
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

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

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
function maker(recorded: KubeObject): (names: Names) => KubeObject {
  const pattern = new RegExp(VARIABLES.map(([{ source }]) => `(${source})`).join('|'), 'g');
  const text = JSON.stringify(recorded);
  return (names) =>
    JSON.parse(
      text.replace(pattern, (match, ...groups) => {
        const [, value] = VARIABLES[groups.findIndex((group) => group !== undefined)] ?? [];
        return value?.(names, match) ?? match;
      }),
    );
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
  const generate = (path: string, count: number, make: (index: number) => KubeObject) => {
    const collection = cluster.collection(path);
    collection.objects.clear();
    collection.generated = { count, make };
  };
  const deployments = Math.ceil(pods / PODS_PER_DEPLOYMENT);
  const makePod = like(PODS, 'web-');
  const makeDeployment = like('/apis/apps/v1/deployments', 'web');
  const makeReplicaSet = like('/apis/apps/v1/replicasets', 'web');
  const makeNode = like('/api/v1/nodes', 'node1');
  const makeNamespace = like('/api/v1/namespaces', 'shop');
  const ofDeployment = (deployment: number, version?: string) => namesOf(deployment * PODS_PER_DEPLOYMENT, version);
  generate(PODS, pods, (index) => makePod(namesOf(index)));
  generate('/apis/apps/v1/deployments', deployments, (index) => makeDeployment(ofDeployment(index)));
  generate('/apis/apps/v1/replicasets', 2 * deployments, (index) =>
    makeReplicaSet(ofDeployment(index >> 1, index % 2 === 0 ? 'current' : 'last')),
  );
  generate('/api/v1/namespaces', Math.ceil(deployments / DEPLOYMENTS_PER_NAMESPACE), (index) =>
    makeNamespace(ofDeployment(index * DEPLOYMENTS_PER_NAMESPACE)),
  );
  generate('/api/v1/nodes', Math.ceil(pods / PODS_PER_NODE), (index) => makeNode(namesOf(index * PODS_PER_NODE)));
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
