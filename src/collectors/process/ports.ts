// Listening sockets: /proc/<pid>/net/tcp and tcp6 (proc_pid_net(5)) list those of a network namespace, the links in
// /proc/<pid>/fd show which process has one open. IPv6 is absent where the kernel has none.
import { addressText } from '../../host/ip-address.ts';
import { putU32 } from '../../host/native.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { unlessDenied } from './details.ts';
import { EXTRA } from './families.ts';
import type { ProcessGroup } from './group.ts';
import type { ProcFiles } from './proc-files.ts';
import type { Process } from './process.ts';
import { type Cycle, isDue } from './process-table.ts';

/** Denied if the links in fd are unreadable; their number may be known nevertheless. */
const LINKS = 'links of fd';
/** The files read here, by the names used for denied ones. */
const FILES = ['ns/net', 'net', LINKS];
/** The state TCP_LISTEN. */
const LISTEN = '0A';
/** Maximum number of open files of one process that are searched for a socket. */
const MAX_FILES = 8192;
/** Maximum number of reported ports per group. */
const MAX_PORTS = 100;

/** A socket that accepts connections. */
interface Listener {
  readonly protocol: 'tcp' | 'tcp6';
  readonly address: string;
  readonly port: number;
  readonly inode: string;
}

/** A listener whose process is known. */
export interface Listening extends Listener {
  readonly owner: Process;
}

/** The process that has a socket open, and as which of its files. */
interface Owner {
  readonly process: Process;
  readonly file: string;
}

/**
 * Finds the listening sockets of processes. Owners are cached, as searching all open files is the most expensive part: a
 * socket is looked for again when that file of its owner is another one.
 */
export class Ports {
  readonly #files: ProcFiles;
  readonly #retryMs: number;
  readonly #owners = new Map<string, Owner>();
  /** Names of groups with processes that are not accessible, so that an open port may go unnoticed. */
  readonly blind = new Set<string>();
  /** Sockets of processes that are in no group, or that belong to the kernel: when they are searched again. */
  readonly #ownerless = new Map<string, number>();

  constructor(files: ProcFiles, retryMs: number) {
    this.#files = files;
    this.#retryMs = retryMs;
  }

  /** All listeners of `processes` with their owners; of several that share a socket that with the lowest pid. */
  async listening(processes: ReadonlyMap<number, Process>, cycle: Cycle): Promise<Listening[]> {
    const found: Listening[] = [];
    const seen = new Set<string>();
    for (const sharing of this.#namespaces(processes.values(), cycle).values()) {
      if (cycle.turns.isOver) await cycle.turns.next();
      const listeners = this.#listeners(sharing, cycle);
      await this.#findOwners(listeners, sharing, processes, cycle);
      for (const listener of listeners) {
        seen.add(listener.inode);
        const owner = this.#owners.get(listener.inode);
        if (owner) found.push({ ...listener, owner: owner.process });
      }
    }
    this.blind.clear();
    for (const { groupName, denied } of processes.values()) {
      if (groupName !== undefined && FILES.some((file) => denied.has(file))) this.blind.add(groupName);
    }
    for (const known of [this.#owners, this.#ownerless]) {
      for (const inode of known.keys()) if (!seen.has(inode)) known.delete(inode);
    }
    return found;
  }

  /** The grouped processes by network namespace. */
  #namespaces(processes: Iterable<Process>, { losses }: Cycle): Map<string, Process[]> {
    const namespaces = new Map<string, Process[]>();
    for (const process of processes) {
      if (process.groupName === undefined || process.isKernelThread || process.isZombie) continue;
      const { pid } = process;
      process.netNamespace ??= unlessDenied(process, 'ns/net', losses, () => this.#files.link(`${pid}/ns/net`));
      if (process.netNamespace === undefined) continue;
      const sharing = namespaces.get(process.netNamespace);
      if (sharing) sharing.push(process);
      else namespaces.set(process.netNamespace, [process]);
    }
    return namespaces;
  }

  /** The listeners of a namespace, from the first of its processes that still exists. */
  #listeners(sharing: readonly Process[], { losses }: Cycle): Listener[] {
    const listeners: Listener[] = [];
    for (const process of sharing) {
      const read = (protocol: 'tcp' | 'tcp6') =>
        unlessDenied(process, 'net', losses, () =>
          this.#files.readRows(`${process.pid}/net/${protocol}`, (row) => {
            const listener = parseListener(protocol, row);
            if (listener) listeners.push(listener);
            // The kernel lists listening sockets first, then possibly a million others.
            return listener !== undefined;
          }),
        );
      if (!read('tcp')) continue;
      read('tcp6');
      break;
    }
    return listeners;
  }

  async #findOwners(
    listeners: readonly Listener[],
    sharing: readonly Process[],
    processes: ReadonlyMap<number, Process>,
    { now, turns, losses }: Cycle,
  ): Promise<void> {
    const wanted = new Set<string>();
    for (const { inode } of listeners) {
      const owner = this.#owners.get(inode);
      if (
        owner &&
        processes.get(owner.process.pid) === owner.process &&
        this.#socketOf(owner.process, owner.file, losses) === inode
      )
        continue;
      this.#owners.delete(inode);
      if (isDue(now, this.#ownerless.get(inode) ?? 0, this.#retryMs)) wanted.add(inode);
    }
    for (const process of [...sharing].sort((one, other) => one.pid - other.pid)) {
      if (wanted.size === 0) return;
      const folder = `${process.pid}/fd`;
      const files = unlessDenied(process, LINKS, losses, () => this.#files.list(folder)) ?? [];
      for (const file of files.slice(0, MAX_FILES)) {
        if (turns.isOver) await turns.next();
        const inode = this.#socketOf(process, file, losses);
        if (inode === undefined || !wanted.delete(inode)) continue;
        this.#owners.set(inode, { process, file });
        this.#ownerless.delete(inode);
      }
    }
    for (const inode of wanted) this.#ownerless.set(inode, now + this.#retryMs);
  }

  /** The inode of the socket that a process has open as this file; undefined if that is no socket. */
  #socketOf(process: Process, file: string, losses: Cycle['losses']): string | undefined {
    const path = `${process.pid}/fd/${file}`;
    const target = unlessDenied(process, LINKS, losses, () => this.#files.link(path));
    return /^socket:\[(\d+)\]$/.exec(target ?? '')?.[1];
  }
}

/** Adds the ports on which groups listen, each once, and of each group the first {@link MAX_PORTS}. */
export function addListeners(out: Snapshot, listening: readonly Listening[]): void {
  const keys = new Map<ProcessGroup, Set<string>>();
  for (const { protocol, address, port, owner } of listening) {
    if (!owner.group) continue;
    const known = keys.get(owner.group) ?? new Set();
    keys.set(owner.group, known);
    if (known.size < MAX_PORTS) known.add(owner.group.key(EXTRA.listening, { protocol, address, port: String(port) }));
  }
  for (const known of keys.values()) for (const key of known) out.addSeries(EXTRA.listening, key, 1);
}

/** A row of net/tcp or net/tcp6, ` 0: 0100007F:0BB8 00000000:0000 0A …`; undefined if it is not listening. */
export function parseListener(protocol: 'tcp' | 'tcp6', row: string): Listener | undefined {
  const [, local = '', , state, , , , , , inode] = row.trim().split(/\s+/);
  const [address, port] = local.split(':');
  if (state !== LISTEN || address === undefined || port === undefined || inode === undefined) return undefined;
  return { protocol, address: hexAddressText(address), port: Number.parseInt(port, 16), inode };
}

/** Words of four bytes, each printed as a number of this machine's byte order. */
function hexAddressText(hex: string): string {
  const bytes = Buffer.alloc(hex.length / 2);
  for (let at = 0; at < bytes.length; at += 4) putU32(bytes, at, Number.parseInt(hex.slice(at * 2, at * 2 + 8), 16));
  return addressText(bytes);
}
