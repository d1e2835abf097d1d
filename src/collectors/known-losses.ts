// Data that an agent cannot read without certain permissions. The tables in docs/security.md and docs/install.md, and the
// list that the chart prints, are generated from the ones here.
import { type Capability, ownCapabilities } from '../host/capabilities.ts';
import { DeniedFile, WrongNamespace } from '../host/errors.ts';

/**
 * A permission that a pod may be given: a capability, by `tier: extended`, or access to the host, by the chart value of
 * that name. `hostIPC` is a field of the pod spec that the chart does not set.
 */
export type Permission =
  | Capability
  | 'node.hostNetwork'
  | 'node.hostPID'
  | 'node.mountHostRoot'
  | 'node.mountPropagation'
  | 'node.logGroups'
  | 'hostIPC';

/** Data that is only available with permissions that not every agent has. */
export interface KnownLoss {
  /** The collector that would read it, `group.name`. */
  readonly collector: string;
  /** Prefixes of the names of lost units in the collector's errors; empty for all of them. */
  readonly units: readonly string[];
  readonly what: string;
  /** The sources it would be read from. */
  readonly reads: readonly string[];
  /** All required permissions. */
  readonly needs: readonly Permission[];
  /** Whether it is read only when a collector or an option is enabled. */
  readonly isOptional: boolean;
}

const ON = false;
const OFF = true;
const FD = '/proc/<pid>/fd';
const CAN_TRACE: readonly Permission[] = ['SYS_PTRACE', 'DAC_READ_SEARCH'];
const CAN_READ: readonly Permission[] = ['DAC_READ_SEARCH'];
const NETWORK: readonly Permission[] = ['node.hostNetwork'];
/** The error names the group: users who enable these collectors want them to work. */
const LOG_GROUPS: readonly Permission[] = ['node.logGroups'];
const JOURNAL = ['/var/log/journal', '/run/log/journal'];
const IPC_LIMITS = ['kernel.msg', 'kernel.sem', 'kernel.shm', 'fs.mqueue.', 'fs/mqueue/'];
const IPC_FILES = ['/proc/sys/kernel/msg*', '/proc/sys/kernel/sem', '/proc/sys/kernel/shm*', '/proc/sys/fs/mqueue/*'];

type Line = readonly [
  collector: string,
  units: readonly string[],
  what: string,
  reads: readonly string[],
  needs: readonly Permission[],
  isOptional: boolean,
];

const LINES: readonly Line[] = [
  ['process.process', ['io'], 'bytes read and written by processes of other users', ['/proc/<pid>/io'], CAN_TRACE, ON],
  ['process.process', ['fd'], 'open files of processes of other users, before Linux 6.2', [FD], CAN_READ, ON],
  [
    'process.process',
    ['smaps'],
    'proportional memory of processes of other users',
    ['/proc/<pid>/smaps_rollup'],
    ['SYS_PTRACE'],
    OFF,
  ],
  [
    'process.process',
    ['ns/net'],
    'ports that processes of other users listen on',
    ['/proc/<pid>/ns/net'],
    CAN_TRACE,
    OFF,
  ],
  ['container.container', ['open files'], 'open files and sockets of containers', [FD], CAN_TRACE, OFF],
  [
    'node.filesystem',
    ['volumes of pods'],
    'pod volumes in folders without access for other users',
    ['statfs(2)'],
    CAN_READ,
    ON,
  ],
  [
    'node.filesystem',
    ['file systems mounted'],
    'file systems mounted after the start of the agent',
    ['statfs(2)'],
    ['node.mountPropagation'],
    ON,
  ],
  ['node.slabinfo', [], 'slab caches', ['/proc/slabinfo'], CAN_READ, OFF],
  ['node.rapl', [], 'energy of CPU packages', ['/sys/class/powercap/*/energy_uj'], CAN_READ, OFF],
  ['node.uname', [], 'name of the host', ['/etc/hostname'], ['node.mountHostRoot'], ON],
  ['node.time', ['time zone'], 'time zone of the host', ['/etc/localtime'], ['node.mountHostRoot'], ON],
  ['node.netdev', ['addresses'], 'addresses of network devices', ['rtnetlink(7)'], NETWORK, OFF],
  ['node.netclass', ['alternative names'], 'alternative names of network devices', ['rtnetlink(7)'], NETWORK, OFF],
  ['node.wifi', [], 'wireless devices', ['nl80211, over netlink(7)'], NETWORK, OFF],
  ['node.ethtool', [], 'drivers and their counters', ['netdevice(7)'], NETWORK, OFF],
  ['node.qdisc', [], 'queueing disciplines', ['rtnetlink(7)'], NETWORK, OFF],
  ['node.network_route', [], 'routes', ['rtnetlink(7)'], NETWORK, OFF],
  ['node.sysctl', ['net.', 'net/'], 'settings of the network', ['/proc/sys/net/*'], NETWORK, OFF],
  ['node.sysctl', IPC_LIMITS, 'limits of System V IPC and message queues', IPC_FILES, ['hostIPC'], OFF],
  ['node.sysctl', ['kernel.pid_max'], 'highest process id', ['/proc/sys/kernel/pid_max'], ['node.hostPID'], OFF],
  ['log.journal', ['journal'], 'entries of the journal', JOURNAL, LOG_GROUPS, OFF],
  ['log.kernel', ['journal'], 'messages of the kernel', JOURNAL, LOG_GROUPS, OFF],
  ['log.log', ['log files'], 'log files', ['/var/log'], LOG_GROUPS, OFF],
  ['node.processes', ['pid_max'], 'highest process id', ['/proc/sys/kernel/pid_max'], ['node.hostPID'], OFF],
];

/** All known losses. */
export const KNOWN_LOSSES: readonly KnownLoss[] = LINES.map(([collector, units, what, reads, needs, isOptional]) => ({
  collector,
  units,
  what,
  reads,
  needs,
  isOptional,
}));

/** Data that is absent without an error, because the kernel shows something else in its place. */
export interface SilentLoss extends Omit<KnownLoss, 'units'> {
  /** What is exposed instead. */
  readonly instead: string;
}

/** All losses without an error. */
export const SILENT_LOSSES: readonly SilentLoss[] = [
  {
    collector: 'node.dmi',
    what: 'serial numbers and UUIDs of the machine',
    reads: ['/sys/class/dmi/id/*_serial', '/sys/class/dmi/id/product_uuid'],
    needs: CAN_READ,
    isOptional: false,
    instead: '`node_dmi_info` lacks these labels',
  },
  {
    collector: 'process.process',
    what: 'the kernel function in which processes of other users wait',
    reads: ['/proc/<pid>/wchan'],
    needs: ['SYS_PTRACE'],
    isOptional: true,
    instead: 'the kernel shows 0',
  },
  {
    collector: 'node.filesystem',
    what: 'sizes of other file systems below folders without access for other users',
    reads: ['statfs(2)'],
    needs: CAN_READ,
    isOptional: false,
    instead: '`node_filesystem_device_error` is 1',
  },
];

/**
 * The known loss behind an error of `collector`, when it is caused by permissions that this process was not given;
 * undefined for any other error, such as one that occurs in an agent with all permissions.
 */
export function knownLoss(collector: string, error: Error, held = ownCapabilities()): KnownLoss | undefined {
  const isDenied = isCausedBy(error, DeniedFile);
  if (!isDenied && !isCausedBy(error, WrongNamespace)) return undefined;
  return KNOWN_LOSSES.find(
    ({ collector: name, units, needs }) =>
      name === collector &&
      (units.length === 0 || units.some((unit) => error.message.startsWith(unit))) &&
      // A process that has all of them and is still denied has another problem.
      (!isDenied || needs.some((permission) => isCapability(permission) && !held.has(permission))),
  );
}

/** Text of a loss: `bytes read and written by …: needs SYS_PTRACE and DAC_READ_SEARCH`. */
export const lossText = ({ what, needs }: KnownLoss): string => `${what}: needs ${needs.join(' and ')}`;

const isCapability = (permission: Permission): permission is Capability =>
  permission === 'SYS_PTRACE' || permission === 'DAC_READ_SEARCH';

function isCausedBy(error: unknown, type: new (message: string) => Error): boolean {
  if (!(error instanceof Error)) return false;
  const { cause } = error;
  return error instanceof type || isCausedBy(cause, type);
}
