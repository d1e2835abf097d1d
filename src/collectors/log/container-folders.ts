import type { ContainerLogOptions } from './options.ts';

/** The pod data used here. */
export interface LoggingPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** For static pods: the uid assigned by the kubelet. */
  readonly configHash?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly containers: readonly { readonly name: string }[];
}

/** The container of a log folder. */
interface FolderOwner {
  readonly uid: string;
  /** Values for namespace, pod and container. */
  readonly labels: readonly [namespace: string, pod: string, container: string];
}

/** Names of objects and containers, and uids: nothing else may become part of a path. */
const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9.]*[A-Za-z0-9])?$/;
const CONTAINER = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;

/**
 * The folders of the containers whose pods opt in: the annotation is `true` for all containers, or a comma-separated
 * list of names. By path, with the kubelet's naming: NAMESPACE_POD_UID/CONTAINER.
 */
export function askedFolders(
  pods: Iterable<LoggingPod>,
  { annotation, path }: Pick<ContainerLogOptions, 'annotation' | 'path'>,
): ReadonlyMap<string, FolderOwner> {
  const folders = new Map<string, FolderOwner>();
  for (const { namespace, name, uid, configHash, annotations, containers } of pods) {
    const asked = annotations?.[annotation]?.trim() ?? '';
    if (asked === '' || asked === 'false') continue;
    const names = asked === 'true' ? undefined : new Set(asked.split(',').map((one) => one.trim()));
    // The kubelet uses its own uid for static pods.
    const id = configHash ?? uid;
    if (![namespace, name, id].every((one) => NAME.test(one))) continue;
    for (const { name: container } of containers) {
      if (names?.has(container) === false || !CONTAINER.test(container)) continue;
      folders.set(`${path}/${namespace}_${name}_${id}/${container}`, { uid, labels: [namespace, name, container] });
    }
  }
  return folders;
}
