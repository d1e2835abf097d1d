import { ApiError, type KubeApi } from './api.ts';

/** The kind to look for: one of an API group, in one version or, without `version`, in the one that the server prefers. */
interface ResourceKind {
  readonly group: string;
  readonly version?: string;
  readonly kind: string;
  /** Plural name; selects the resource when a kind has more than one. */
  readonly plural: string;
}

/** A resource as the API server describes it. */
interface Discovered {
  readonly version: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

interface GroupResponse {
  readonly versions?: readonly { readonly version?: string }[] | null;
  readonly preferredVersion?: { readonly version?: string } | null;
}

interface VersionResponse {
  readonly resources?:
    | readonly { readonly name?: string; readonly kind?: string; readonly namespaced?: boolean }[]
    | null;
}

/** More versions than any API group has. */
const MAX_VERSIONS = 20;

/**
 * Asks the API server for a resource: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api.
 * Undefined when the server does not have it. Rejects in the same cases as {@link KubeApi}.
 */
export async function discover(
  api: KubeApi,
  wanted: ResourceKind,
  signal: AbortSignal,
): Promise<Discovered | undefined> {
  const { group, kind, plural } = wanted;
  const versions = wanted.version === undefined ? await versionsOf(api, group, signal) : [wanted.version];
  for (const version of versions) {
    const response = await found(api.json<VersionResponse>({ path: `/apis/${group}/${version}`, signal }));
    const all = (response?.resources ?? []).filter((one) => one.kind === kind && one.name?.includes('/') === false);
    const one = all.find(({ name }) => name === plural) ?? all[0];
    if (one?.name !== undefined) return { version, plural: one.name, namespaced: one.namespaced !== false };
  }
  return undefined;
}

/** The versions of an API group, the preferred one first; none when the server does not have the group. */
async function versionsOf(api: KubeApi, group: string, signal: AbortSignal): Promise<readonly string[]> {
  const response = await found(api.json<GroupResponse>({ path: `/apis/${group}`, signal }));
  const names = [response?.preferredVersion?.version, ...(response?.versions ?? []).map(({ version }) => version)];
  return [...new Set(names.filter((name) => name !== undefined))].slice(0, MAX_VERSIONS);
}

/** A response; undefined for 404. */
async function found<T>(response: Promise<T>): Promise<T | undefined> {
  try {
    return await response;
  } catch (cause) {
    if (cause instanceof ApiError && cause.status === 404) return undefined;
    throw cause;
  }
}
