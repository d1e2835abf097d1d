import { isReadOnly, type Mount } from '../../host/mounts.ts';
import { CounterSet } from './counter-set.ts';
import { readOnlyTransitions } from './families.ts';
import { savedFields } from './saved.ts';

/** Mounts made by the kernel itself, and the many mounts of containers. */
const IGNORED_TYPES =
  /^(?:autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|efivarfs|fusectl|mqueue|nsfs|overlay|proc|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$/;
const IGNORED_POINTS =
  /^\/(?:dev|proc|sys|run\/credentials|run\/k3s\/containerd|var\/lib\/(?:docker|containers\/storage|containerd))(?:\/|$)/;
const MAX_MOUNTS = 2000;

/** Finds mounts that were seen writable and are read-only now. */
export class ReadOnlyMounts {
  readonly counters = new CounterSet(readOnlyTransitions, 1000);
  /** Mounts that were writable when they were last seen. */
  #writable = new Set<string>();
  /** Those that became read-only and still are. */
  #fallen = new Set<string>();

  /** Compares the mount table with that of the previous call. */
  update(mounts: readonly Mount[]): void {
    const writable = new Set<string>();
    const fallen = new Set<string>();
    // A mount hides earlier ones at the same path.
    const seen = new Map(mounts.map((mount) => [mount.mountPoint, mount]));
    for (const mount of seen.values()) {
      const { device, mountPoint, fsType } = mount;
      if (IGNORED_TYPES.test(fsType) || IGNORED_POINTS.test(mountPoint) || writable.size >= MAX_MOUNTS) continue;
      const key = [device, mountPoint, fsType].join('\0');
      if (!isReadOnly(mount)) writable.add(key);
      else if (this.#writable.has(key)) {
        this.counters.add(1, device, mountPoint, fsType);
        fallen.add(key);
      } else if (this.#fallen.has(key)) fallen.add(key);
    }
    this.#writable = writable;
    this.#fallen = fallen;
  }

  /** Whether any previously writable mount is read-only now. */
  get hasFallen(): boolean {
    return this.#fallen.size > 0;
  }

  dump(): unknown {
    return { writable: [...this.#writable], fallen: [...this.#fallen] };
  }

  restore(saved: unknown): void {
    const { writable, fallen } = savedFields(saved);
    if (Array.isArray(writable)) this.#writable = new Set(writable.slice(0, MAX_MOUNTS).map(String));
    if (Array.isArray(fallen)) this.#fallen = new Set(fallen.slice(0, MAX_MOUNTS).map(String));
  }
}
