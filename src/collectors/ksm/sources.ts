import { ApiError, type KubeApi } from '../../kube/api.ts';
import { discover } from '../../kube/discovery.ts';
import type { ReflectorSource } from '../../kube/reflector-source.ts';
import type { KsmOptions } from './options.ts';
import { groupVersionOf, type Resource, resourcePath, uniqueName } from './resource.ts';

/**
 * The collections to follow for a resource. Configured namespaces are listed one by one, so that permissions in those
 * are sufficient.
 */
export function sourcesOf(api: KubeApi, resource: Resource, options: KsmOptions): ReflectorSource[] {
  const { namespaces } = options;
  const fieldSelector = uniqueName(resource) === 'pods' ? podSelector(options) : undefined;
  const common = {
    kind: resource.kind,
    ...(!resource.readsManagers && { skipsManagers: true }),
    ...(resource.custom && { comesAnyTime: true }),
    ...(resource.metadataOnly && { metadataOnly: true }),
    ...(fieldSelector !== undefined && { fieldSelector }),
  };
  if (resource.custom && (namespaces.length > 0 || resource.anyVersion))
    return customSources(api, resource, namespaces).map((source) => ({ ...common, ...source }));
  if (!resource.namespaced || namespaces.length === 0) return [{ ...common, path: resourcePath(resource) }];
  return namespaces.map((namespace) => ({ ...common, path: resourcePath(resource, namespace) }));
}

/** An unscheduled pod has an empty node name. */
function podSelector({ node, trackUnscheduledPods }: KsmOptions): string | undefined {
  if (trackUnscheduledPods) return 'spec.nodeName=';
  return node === undefined ? undefined : `spec.nodeName=${node}`;
}

/**
 * The custom resource file does not say whether a resource is namespaced, and may leave its version open: both are
 * requested from the API server before each list. A resource without namespaces is followed in place of the first of
 * `namespaces`.
 */
function customSources(
  api: KubeApi,
  resource: Resource,
  namespaces: readonly string[],
): Required<Pick<ReflectorSource, 'path' | 'locate'>>[] {
  const places = namespaces.length > 0 ? namespaces : [undefined];
  return places.map((namespace, index) => ({
    path: resourcePath(resource, namespace),
    async locate(signal) {
      const { group, version } = groupVersionOf(resource.apiVersion);
      const { anyVersion, kind, name } = resource;
      const wanted = { group, kind, plural: name, ...(!anyVersion && { version }) };
      const known = await discover(api, wanted, signal).catch((cause: unknown) => {
        // Without permission to ask, the configuration has to suffice.
        if (cause instanceof ApiError && cause.status === 403 && !anyVersion) return undefined;
        throw cause;
      });
      if (known === undefined) {
        if (!anyVersion) return resourcePath(resource, namespace);
        throw new ApiError(`GET /apis/${group}`, 404, `no version of the group has the kind ${kind}`);
      }
      if (anyVersion) anyVersion.current = known.version;
      const found = { name: known.plural, apiVersion: `${group}/${known.version}` };
      return resourcePath(found, known.namespaced || index > 0 ? namespace : undefined);
    },
  }));
}
