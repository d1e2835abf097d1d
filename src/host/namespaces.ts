// Whether the kernel shows this process the host's values: namespaces(7). Some files below /proc show each reader its
// own namespaces, whichever procfs they are read through.
import { DeniedFile, WrongNamespace } from './errors.ts';
import type { Host } from './host.ts';
import { sharesNetwork } from './netlink-socket.ts';

/** The relevant namespaces of which a pod may have its own; names as in `/proc/<pid>/ns`. */
export type NamespaceKind = 'ipc' | 'net' | 'pid' | 'uts';

/** The settings that give a pod the host's namespace. */
const SETTINGS: Readonly<Record<NamespaceKind, string>> = {
  ipc: 'hostIPC in the pod spec',
  net: 'node.hostNetwork',
  pid: 'node.hostPID',
  uts: 'node.hostNetwork',
};

/** Which of the host's namespaces this process is in. They do not change while it runs, so each is checked once. */
export class Namespaces {
  readonly #host: Host;
  readonly #known = new Map<NamespaceKind, boolean>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Whether this process is in the host's namespace of that kind; true for a recorded tree. */
  isHosts(kind: NamespaceKind): boolean {
    const known = this.#known.get(kind) ?? this.#check(kind);
    this.#known.set(kind, known);
    return known;
  }

  /** Throws WrongNamespace if `what` would describe a namespace other than the host's. */
  mustBeHosts(kind: NamespaceKind, what: string): void {
    if (!this.isHosts(kind))
      throw new WrongNamespace(`${what} belongs to the agent's own namespace; set ${SETTINGS[kind]}`);
  }

  #check(kind: NamespaceKind): boolean {
    const status = this.#host.readIfExists(this.#host.proc('self/status'));
    if (status === undefined) return true;
    if (kind === 'pid') return ownIds(status) === 1;
    const own = this.#link('self', kind);
    const hosts = this.#link('1', kind);
    if (own !== undefined && hosts !== undefined) return own === hosts;
    // Inspecting the namespaces of other processes requires ptrace rights. Kubernetes gives a pod the host's name
    // together with its network, and only containers mount the host's files elsewhere.
    return kind === 'ipc' ? this.#host.paths.procfs === '/proc' : sharesNetwork(this.#host);
  }

  #link(pid: string, kind: NamespaceKind): string | undefined {
    try {
      return this.#host.link(this.#host.proc(pid, 'ns', kind));
    } catch (cause) {
      if (cause instanceof DeniedFile) return undefined;
      throw cause;
    }
  }
}

/** Number of ids of a process, one in each namespace from that of the procfs down to its own. */
function ownIds(status: string): number {
  const ids = /^NSpid:\s*(.*)$/m.exec(status)?.[1];
  return ids === undefined ? 1 : ids.trim().split(/\s+/).length;
}
