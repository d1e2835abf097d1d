import type { PodEntry, Requirement, ScrapeSettings } from '../config/scrape-schema.ts';
import type { PodInfo } from '../kube/pod-info.ts';
import type { RelabelRule } from '../metrics/relabel/rule.ts';
import type { DiscoveredTarget, TargetSettings } from './target.ts';

/** An endpoint of a pod: a declared container port, or the pod itself. */
interface PodEndpoint {
  readonly container: string;
  readonly portName: string;
  readonly port: number | undefined;
}

const ENDED = new Set(['Succeeded', 'Failed']);

/** The pods of this node that opt in with annotations. */
export function annotatedCandidates(
  pods: readonly PodInfo[],
  { prefix, job, onlyReady }: ScrapeSettings['annotations'],
  settings: TargetSettings,
  rules: readonly RelabelRule[],
): DiscoveredTarget[] {
  return pods.flatMap((pod) => {
    const annotations = pod.annotations ?? {};
    const own = (name: string) => annotations[`${prefix}/${name}`] ?? '';
    if (own('scrape') !== 'true' || !isScrapable(pod, onlyReady)) return [];
    const params = Object.entries(annotations).flatMap(([name, value]) =>
      name.startsWith(`${prefix}/param_`) ? [[`__param_${name.slice(prefix.length + '/param_'.length)}`, value]] : [],
    );
    const port = own('port');
    const scheme = own('scheme') || 'http';
    const problem = problemOf(prefix, port, scheme);
    return endpointsOf(pod, port === '' ? undefined : Number(port)).map((endpoint) => ({
      source: 'annotations',
      labels: {
        ...metaLabels(pod, endpoint),
        ...Object.fromEntries(params),
        __scheme__: scheme,
        __metrics_path__: own('path') || '/metrics',
        job: filled(job, pod, endpoint),
        ...podLabels(pod, endpoint),
      },
      settings,
      relabel: rules,
      problem,
    }));
  });
}

function problemOf(prefix: string, port: string, scheme: string): string | undefined {
  const isPort = port === '' || (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65535);
  if (!isPort) return `annotation ${prefix}/port is ${JSON.stringify(port.slice(0, 100))}, which is not a port`;
  if (scheme === 'http' || scheme === 'https') return undefined;
  return `annotation ${prefix}/scheme is ${JSON.stringify(scheme.slice(0, 100))}; only http and https are supported`;
}

/** The pods that the entries of `scrape.pods` select. */
export function selectedCandidates(
  pods: readonly PodInfo[],
  entries: readonly PodEntry[],
  settingsOf: (own: PodEntry) => TargetSettings,
  rules: readonly RelabelRule[],
): DiscoveredTarget[] {
  return entries.flatMap((entry, index) => {
    const { matchNames } = entry.namespaceSelector;
    const chosen = pods.filter(
      (pod) =>
        isScrapable(pod, entry.onlyReady) &&
        (matchNames.length === 0 || matchNames.includes(pod.namespace)) &&
        isSelected(pod.labels, entry.selector),
    );
    const params = Object.fromEntries(
      Object.entries(entry.params).map(([name, values]) => [`__param_${name}`, values[0] ?? '']),
    );
    const settings = settingsOf(entry);
    return chosen.flatMap((pod) =>
      portsOf(pod, entry.port).map((endpoint) => ({
        source: `pods[${index}] (${entry.name})`,
        labels: {
          ...metaLabels(pod, endpoint),
          ...params,
          __scheme__: entry.scheme,
          __metrics_path__: entry.path,
          job: filled(entry.job ?? '{namespace}/{name}', pod, endpoint, entry.name),
          ...podLabels(pod, endpoint),
          ...entry.labels,
        },
        settings,
        relabel: [...rules, ...entry.relabel],
      })),
    );
  });
}

const isScrapable = ({ phase, podIP, ready }: PodInfo, onlyReady: boolean): boolean =>
  podIP !== '' && !ENDED.has(phase) && (!onlyReady || ready === true);

function isSelected(labels: PodInfo['labels'], { matchLabels, matchExpressions }: PodEntry['selector']): boolean {
  return (
    Object.entries(matchLabels).every(([name, value]) => labels[name] === value) &&
    matchExpressions.every((requirement) => meets(labels[requirement.key], requirement))
  );
}

function meets(value: string | undefined, { operator, values }: Requirement): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

/** Declared TCP ports of the app containers. */
const declared = ({ containers }: PodInfo): PodEndpoint[] =>
  containers.flatMap(({ type, name, ports = [] }) =>
    type !== 'app'
      ? []
      : ports
          .filter(({ protocol }) => protocol === 'TCP')
          .map(({ name: portName, containerPort }) => ({ container: name, portName, port: containerPort })),
  );

/** The port named in the annotation; without it every declared one, as in Prometheus. */
function endpointsOf(pod: PodInfo, port: number | undefined): PodEndpoint[] {
  const ports = declared(pod);
  if (port !== undefined) {
    const found = ports.find((one) => one.port === port);
    return [found ?? { container: onlyContainer(pod), portName: '', port: Number.isNaN(port) ? undefined : port }];
  }
  return ports.length > 0 ? ports : [{ container: onlyContainer(pod), portName: '', port: undefined }];
}

/** The ports of a name or number. A number need not be declared. */
function portsOf(pod: PodInfo, port: PodEntry['port']): PodEndpoint[] {
  if (port === undefined) return endpointsOf(pod, undefined);
  if (typeof port === 'number') return endpointsOf(pod, port);
  return declared(pod).filter(({ portName }) => portName === port);
}

function onlyContainer({ containers }: PodInfo): string {
  const apps = containers.filter(({ type }) => type === 'app');
  return apps.length === 1 ? (apps[0]?.name ?? '') : '';
}

const addressOf = ({ podIP }: PodInfo, { port }: PodEndpoint): string => {
  const host = podIP.includes(':') ? `[${podIP}]` : podIP;
  return `${host}:${port ?? 80}`;
};

/** With Prometheus' names. https://prometheus.io/docs/prometheus/latest/configuration/configuration/#pod */
function metaLabels(pod: PodInfo, endpoint: PodEndpoint): Record<string, string> {
  const own: [string, string][] = [];
  for (const [kind, map] of [
    ['label', pod.labels],
    ['annotation', pod.annotations ?? {}],
  ] as const) {
    for (const [name, value] of Object.entries(map)) {
      const plain = name.replace(/[^a-zA-Z0-9_]/g, '_');
      own.push(
        [`__meta_kubernetes_pod_${kind}_${plain}`, value],
        [`__meta_kubernetes_pod_${kind}present_${plain}`, 'true'],
      );
    }
  }
  return {
    __address__: addressOf(pod, endpoint),
    __meta_kubernetes_namespace: pod.namespace,
    __meta_kubernetes_pod_name: pod.name,
    __meta_kubernetes_pod_ip: pod.podIP,
    __meta_kubernetes_pod_uid: pod.uid,
    __meta_kubernetes_pod_phase: pod.phase,
    __meta_kubernetes_pod_ready: pod.ready === undefined ? 'unknown' : String(pod.ready),
    __meta_kubernetes_pod_host_ip: pod.hostIP,
    __meta_kubernetes_pod_container_name: endpoint.container,
    __meta_kubernetes_pod_container_init: 'false',
    __meta_kubernetes_pod_container_port_name: endpoint.portName,
    __meta_kubernetes_pod_container_port_number: endpoint.port === undefined ? '' : String(endpoint.port),
    __meta_kubernetes_pod_container_port_protocol: endpoint.port === undefined ? '' : 'TCP',
    __meta_kubernetes_pod_controller_kind: pod.ownerKind,
    __meta_kubernetes_pod_controller_name: pod.ownerName,
    ...Object.fromEntries(own),
  };
}

/** The labels set by a PodMonitor of the operator. */
const podLabels = (pod: PodInfo, { container }: PodEndpoint): Record<string, string> => ({
  namespace: pod.namespace,
  pod: pod.name,
  container,
});

const filled = (text: string, pod: PodInfo, { container }: PodEndpoint, name = ''): string =>
  text
    .replaceAll('{namespace}', pod.namespace)
    .replaceAll('{pod}', pod.name)
    .replaceAll('{container}', container)
    .replaceAll('{controller}', pod.workloadName || pod.name)
    .replaceAll('{name}', name);
