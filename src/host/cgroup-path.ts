// Derives pods and containers from cgroup paths. The layouts are those of kubelet (pkg/kubelet/cm, both drivers) and of
// the container runtimes; they are the same in every hierarchy of cgroup v1 and in v2. Pure.

/** A cgroup of a pod, of a container or below a container. */
export interface CgroupPlace {
  /** `nested` lies below a container (made by an init system or a runtime in it) and belongs to that container. */
  readonly kind: 'pod' | 'container' | 'nested';
  /** Kubelet's uid of the pod; of a static pod it is the config hash. Undefined for containers outside of pods. */
  readonly podUid: string | undefined;
  /** 64 hexadecimal digits; undefined for kind `pod`. */
  readonly containerId: string | undefined;
}

/** systemd driver: `kubepods-burstable-pod<uid with _ for ->.slice`, also below a --cgroup-root. */
const POD_SLICE = /^(?:.+-)?kubepods(?:-(?:burstable|besteffort))?-pod([0-9A-Za-z_]+)\.slice$/;
/** cgroupfs driver: `pod<uid>`, meaningful only below one of {@link POD_PARENTS}. */
const POD_FOLDER = /^pod([0-9A-Za-z-]+)$/;
const POD_PARENTS: ReadonlySet<string | undefined> = new Set(['kubepods', 'burstable', 'besteffort']);
/** The runtime runs cgroupfs, kubelet systemd: pod and container in one name. */
const COLON = /^(?:.+-)?kubepods(?:-(?:burstable|besteffort))?-pod([0-9A-Za-z_]+)\.slice:[a-z-]+:([0-9a-f]{64})$/;
const CONTAINER = /^(?:(?:cri-containerd|crio|docker|libpod|nerdctl)-)?([0-9a-f]{64})(?:\.scope)?$/;
/** CRI-O on systemd leaves an empty folder of this name next to the sandbox's scope. */
const CRIO_REMAINS = /^crio-[0-9a-f]{64}$/;

/**
 * Classifies a path below the root of a hierarchy, such as the third field of a line of `/proc/<pid>/cgroup`. The
 * outermost pod counts: those of a cluster that runs inside of a container belong to that container. Undefined for
 * anything that is neither a pod nor a container: slices, services, conmon's scopes, mount units.
 */
export function classifyCgroupPath(path: string): CgroupPlace | undefined {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '..');
  for (const [index, segment] of segments.entries()) {
    const [, colonUid, colonId] = COLON.exec(segment) ?? [];
    if (colonId !== undefined) return container(segments, index, uidOf(colonUid), colonId);
    const slice = POD_SLICE.exec(segment)?.[1];
    const folder = POD_PARENTS.has(segments[index - 1]) ? POD_FOLDER.exec(segment)?.[1] : undefined;
    if (slice === undefined && folder === undefined) continue;
    const podUid = uidOf(slice ?? folder);
    const child = segments[index + 1];
    if (child === undefined) return { kind: 'pod', podUid, containerId: undefined };
    if (slice !== undefined && CRIO_REMAINS.test(child)) return undefined;
    const id = CONTAINER.exec(child)?.[1];
    return id === undefined ? undefined : container(segments, index + 1, podUid, id);
  }
  for (const [index, segment] of segments.entries()) {
    const id = CONTAINER.exec(segment)?.[1];
    if (id !== undefined) return container(segments, index, undefined, id);
  }
  return undefined;
}

function container(segments: readonly string[], index: number, podUid: string | undefined, containerId: string) {
  const kind = index === segments.length - 1 ? ('container' as const) : ('nested' as const);
  return { kind, podUid, containerId };
}

/** systemd interprets `-` in a name as a level of the tree, so the kubelet writes `_`. */
const uidOf = (text: string | undefined): string | undefined => text?.replaceAll('_', '-');
