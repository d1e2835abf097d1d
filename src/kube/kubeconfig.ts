import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { errorCode, errorText } from '../base/error-text.ts';
import { readText } from '../base/files.ts';

/** How to find the cluster. Without a `kubeconfig`: $KUBECONFIG, the pod's service account, ~/.kube/config. */
export interface ClusterSettings {
  readonly kubeconfig?: string;
  readonly context?: string;
}

const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * Finds the cluster like kubectl. `kubeconfig` must exist. $KUBECONFIG is a list: missing files are skipped and the
 * others merged; of clusters, users, contexts and the current context that several files define, the first definition
 * wins. If none of the files exists, $KUBECONFIG counts as unset, except that ~/.kube/config is not used. Throws an
 * Error that says where it looked. `root` is prepended to the path of the service account.
 */
export function loadKubeConfig(
  { kubeconfig, context }: ClusterSettings,
  root = '',
  env: NodeJS.ProcessEnv = process.env,
): KubeConfig {
  const { KUBECONFIG = '', KUBERNETES_SERVICE_HOST = '' } = env;
  const listed = KUBECONFIG.split(delimiter).filter((path) => path !== '');
  const homeFile = join(homedir(), '.kube', 'config');
  const candidates = kubeconfig === undefined ? (listed.length > 0 ? listed : [homeFile]) : [kubeconfig];
  const files = kubeconfig === undefined ? candidates.filter((path) => existsSync(path)) : candidates;
  const isInPod = KUBERNETES_SERVICE_HOST !== '' && existsSync(root + SERVICE_ACCOUNT_TOKEN);
  const isNamed = kubeconfig !== undefined || listed.length > 0;
  let config = new KubeConfig();
  let place = files.join(', ');
  if (isInPod && (!isNamed || files.length === 0)) {
    config.loadFromCluster(root);
    place = 'the service account of this pod';
  } else if (files.length > 0) config = merged(files);
  else throw new Error(`no cluster: no service account in this pod, and no file at ${candidates.join(', ')}`);
  if (context !== undefined) config.setCurrentContext(context);
  if (config.getCurrentCluster() !== null) return config;
  const known = config.getContexts().map(({ name }) => name);
  const current = config.getCurrentContext();
  const what = current ? `no cluster for context ${current}` : 'no current-context';
  throw new Error(`${place}: ${what}; ${known.length > 0 ? `contexts: ${known.join(', ')}` : 'no contexts defined'}`);
}

/** Merges several files into one configuration: the first definition wins. */
function merged(files: readonly string[]): KubeConfig {
  const config = new KubeConfig();
  config.loadFromOptions({ clusters: [], users: [], contexts: [], currentContext: '' });
  for (const file of files) {
    const { clusters, users, contexts, currentContext } = fromFile(file);
    config.clusters = withNew(config.clusters, clusters);
    config.users = withNew(config.users, users);
    config.contexts = withNew(config.contexts, contexts);
    config.currentContext ||= currentContext ?? '';
  }
  return config;
}

const withNew = <T extends { readonly name: string }>(known: readonly T[], more: readonly T[] = []): T[] => [
  ...known,
  ...more.filter(({ name }) => known.every((one) => one.name !== name)),
];

/**
 * Paths in the file are relative to its directory. Throws an Error that names the file and quotes none of its content.
 */
function fromFile(file: string): Partial<KubeConfig> {
  const config = new KubeConfig();
  try {
    const text = readText(file, MAX_FILE_BYTES);
    if (text.trim() === '') return {};
    config.loadFromString(text);
  } catch (cause) {
    throw new Error(`${file}: ${reasonOf(cause)}`);
  }
  config.makePathsAbsolute(dirname(file));
  return config;
}

/** Parser errors quote the input they could not parse, here credentials. */
const QUOTING_ERRORS: ReadonlySet<string> = new Set(['YAMLException', 'SyntaxError', 'TypeError']);

function reasonOf(cause: unknown): string {
  const name = cause instanceof Error ? cause.name : '';
  return errorCode(cause) ?? (QUOTING_ERRORS.has(name) ? `malformed (${name})` : errorText(cause));
}
