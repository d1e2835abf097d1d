import { DeniedFile, UnreadableFile } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import type { ContainerInfo, PodInfo } from '../../kube/pod-info.ts';
import type { IdentityClient } from '../../pods/client.ts';
import { nameOfProcess } from './processes.ts';
import type { CgroupRow, RowLabels } from './row.ts';

/** The source of names: the identity client, or a list in tests. */
export type NameSource = Pick<IdentityClient, 'find' | 'findPod'>;

/**
 * Cycles for which samples wait for a name: without it they would be different series, and absent from all sums by pod.
 */
const PATIENCE = 2;

/**
 * The same for a container of a known pod: its kubelet reports it with a delay. A container that it never reports,
 * created manually for example, is eventually exported without a name.
 */
const LONG_PATIENCE = 20;

const NAMELESS: RowLabels = { namespace: '', pod: '', container: '', image: '', name: '' };

/** Assigns rows their labels, as a kubelet does. */
export class Naming {
  readonly #host: Host;
  readonly #names: NameSource | undefined;
  readonly #sandboxImage: string;
  /** The runtime, as container ids in the API name it: `containerd`, `cri-o`, `docker`; a node has one. */
  #runtime = '';

  constructor(host: Host, names: NameSource | undefined, sandboxImage: string) {
    this.#host = host;
    this.#names = names;
    this.#sandboxImage = sandboxImage;
  }

  /** Names a row, as far as possible; false while its samples should wait. Called once per cycle. */
  settle(row: CgroupRow): boolean {
    if (row.isNamed) return true;
    const { kind } = row.cgroup;
    if (kind === 'root' || kind === 'slice') {
      row.label(NAMELESS);
      row.isNamed = true;
      return true;
    }
    if (kind === 'pod') this.#namePod(row);
    else this.#nameContainer(row);
    row.waited++;
    if (this.#names !== undefined)
      return row.isNamed || row.waited > (this.#isPodKnown(row) ? LONG_PATIENCE : PATIENCE);
    // No further data will arrive, but a container that has just started may still turn out to be a sandbox.
    row.isNamed = row.waited > PATIENCE;
    return true;
  }

  #isPodKnown({ cgroup: { podUid } }: CgroupRow): boolean {
    return podUid !== undefined && this.#names?.findPod(podUid) !== undefined;
  }

  #namePod(row: CgroupRow): void {
    const pod = this.#names?.findPod(row.cgroup.podUid ?? '')?.pod;
    row.label({ ...NAMELESS, ...podLabels(pod) });
    row.isNamed = pod !== undefined;
  }

  #nameContainer(row: CgroupRow): void {
    const { containerId = '', podUid = '', id } = row.cgroup;
    const found = this.#names?.find(containerId, podUid);
    const pod = found?.pod;
    const container = found?.container;
    this.#runtime = runtimeOf(container) || this.#runtime || runtimeOfPath(id);
    if (container) {
      const name = this.#runtimeName(containerId, container.name, container.restartCount, row, pod);
      row.label({ ...podLabels(pod), container: container.name, image: container.image, name });
      // The kubelet reports the image a moment after the container.
      row.isNamed = container.image !== '';
    } else if (this.#isSandbox(row, pod)) {
      row.isSandbox = true;
      const name = this.#runtimeName(containerId, 'POD', 0, row, pod);
      // containerd's sandboxes have no container name, those of other runtimes are called POD.
      row.label({ ...podLabels(pod), container: this.#hasPlainNames ? '' : 'POD', image: this.#sandboxImage, name });
      row.isNamed = pod !== undefined;
    } else {
      row.label({ ...NAMELESS, ...podLabels(pod), name: containerId });
    }
  }

  /**
   * No API lists sandboxes. Their process is called `pause`, unless another image is configured; then it is the oldest
   * container of the pod that has no name after a while, since a pod's sandbox is created first.
   */
  #isSandbox(row: CgroupRow, pod: PodInfo | undefined): boolean {
    const known = row.pod?.sandbox;
    if (known !== undefined) return known === row;
    if (row.pid !== undefined && this.#isPause(row.pid)) return true;
    return pod !== undefined && row.waited >= PATIENCE && oldestUnnamed(row.pod) === row;
  }

  /** A process with a hidden name (hidepid) is not recognized as one. */
  #isPause(pid: string): boolean {
    try {
      return nameOfProcess(this.#host, pid) === 'pause';
    } catch (cause) {
      if (cause instanceof DeniedFile || cause instanceof UnreadableFile) return false;
      throw cause;
    }
  }

  get #hasPlainNames(): boolean {
    return this.#runtime === '' || this.#runtime === 'containerd';
  }

  /** The label `name`: containerd reports the id; Docker's and CRI-O's names are made by the kubelet's rules. */
  #runtimeName(containerId: string, container: string, attempt: number, { cgroup }: CgroupRow, pod?: PodInfo): string {
    if (this.#hasPlainNames || pod === undefined) return containerId;
    return ['k8s', container, pod.name, pod.namespace, cgroup.podUid ?? pod.uid, attempt].join('_');
  }
}

function oldestUnnamed(pod: CgroupRow | undefined): CgroupRow | undefined {
  let oldest: CgroupRow | undefined;
  for (const row of pod?.containers ?? []) {
    if (!row.isNamed && (oldest === undefined || (row.origin.started ?? 0) < (oldest.origin.started ?? 0)))
      oldest = row;
  }
  return oldest;
}

const podLabels = (pod: PodInfo | undefined) => ({ namespace: pod?.namespace ?? '', pod: pod?.name ?? '' });

/** `containerd` of `containerd://4c71…`. */
const runtimeOf = (container: ContainerInfo | undefined): string =>
  container?.id.includes('://') ? container.id.slice(0, container.id.indexOf('://')) : '';

const PATH_RUNTIMES: Readonly<Record<string, string>> = {
  'cri-containerd': 'containerd',
  crio: 'cri-o',
  docker: 'docker',
};

/** The runtime according to the cgroup's name, if it includes one. */
function runtimeOfPath(id: string): string {
  const prefix = /(?:^|[/:])(cri-containerd|crio|docker)[-:][0-9a-f]{64}(?:\.scope)?$/.exec(id)?.[1];
  return PATH_RUNTIMES[prefix ?? ''] ?? '';
}
