/** The agent's paths of the host's files; in a pod these are read-only mounts such as `/host/proc`. */
export interface HostPaths {
  readonly procfs: string;
  readonly sysfs: string;
  /** The host's `/`. */
  readonly rootfs: string;
  /** udev's database, `/run/udev/data`. */
  readonly udev: string;
  /** The root of the cgroup mounts. */
  readonly cgroup: string;
}

/** The host's own paths, for an agent outside of containers. */
export const DEFAULT_PATHS: HostPaths = {
  procfs: '/proc',
  sysfs: '/sys',
  rootfs: '/',
  udev: '/run/udev/data',
  cgroup: '/sys/fs/cgroup',
};
