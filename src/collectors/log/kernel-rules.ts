import { Pattern } from '../../config/re2/pattern.ts';
import type { KernelRuleOptions } from './options.ts';

/** A message of the kernel, or of systemd, that counts as a problem. */
export interface KernelRule {
  readonly reason: string;
  readonly pattern: Pattern;
  /** With a type, the problem is active from its message on: see `problem_gauge`. */
  readonly type?: string | undefined;
  /** A message that clears it; without one, it clears after ten minutes without a message. */
  readonly clear?: Pattern | undefined;
  /** Whether it matches systemd messages instead, which only the journal has. */
  readonly isOfSystemd?: boolean;
}

type Row = readonly [reason: string, pattern: string, type?: string];

/** Reasons and expressions of node-problem-detector's kernel-monitor.json, readonly-monitor.json and others. */
const OF_NPD: readonly Row[] = [
  ['OOMKilling', 'Killed process \\d+ \\(.+\\),? .*total-vm:\\d+kB, anon-rss:\\d+kB, file-rss:\\d+kB'],
  ['TaskHung', 'task [\\S ]+:\\w+ blocked for more than \\w+ seconds\\.', 'KernelDeadlock'],
  ['UnregisterNetDevice', 'unregister_netdevice: waiting for \\w+ to become free\\. Usage count = \\d+'],
  [
    'KernelOops',
    'BUG: unable to handle (?:kernel NULL pointer dereference|page fault)|divide error: 0000 \\[#\\d+\\] SMP',
  ],
  ['Ext4Error', 'EXT4-fs error '],
  ['Ext4Warning', 'EXT4-fs warning '],
  ['IOError', 'Buffer I/O error |blk_update_request: I/O error|I/O error, dev '],
  ['XfsHasShutdown', 'XFS .* Shutting down filesystem'],
  ['MemoryReadError', 'CE memory read error '],
  ['CperHardwareErrorCorrected', '\\[Hardware Error\\]: event severity: corrected$'],
  ['CperHardwareErrorRecoverable', '\\[Hardware Error\\]: event severity: recoverable$'],
  ['CperHardwareErrorFatal', '\\[Hardware Error\\]: event severity: fatal$'],
  ['DockerHung', 'task docker:\\w+ blocked for more than \\w+ seconds\\.', 'KernelDeadlock'],
  ['FilesystemIsReadOnly', 'Remounting filesystem read-only'],
];

/** Further rules, modelled on bkmonitorbeat's dmesg rules. */
const FURTHER: readonly Row[] = [
  ['ConntrackFull', 'nf_conntrack: table full, dropping packet'],
  ['NeighbourTableOverflow', 'neighbou?r(?:ing)?(?: table|: \\w+: neighbor table) overflow'],
  ['NicLinkDown', '(?:NIC )?Link is [Dd]own'],
  ['NetdevWatchdog', 'NETDEV WATCHDOG: .*transmit queue \\d+ timed out'],
  ['MachineCheck', 'mce: \\[Hardware Error\\]|Machine check events logged'],
];

/** Of node-problem-detector's systemd-monitor.json. */
const OF_SYSTEMD: readonly Row[] = [
  ['KubeletStart', 'Started (?:kubelet\\.service|.*[Kk]ubelet)'],
  ['DockerStart', 'Starting (?:docker\\.service|Docker Application Container Engine)'],
  ['ContainerdStart', 'Starting (?:containerd\\.service|containerd container runtime)'],
];

const toRule = ([reason, source, type]: Row): KernelRule => ({ reason, pattern: Pattern.of(source), type });

/** The rules in effect: the built-in ones, with those of the configuration replacing or following them. */
export function kernelRules(own: readonly KernelRuleOptions[]): readonly KernelRule[] {
  const replaced = new Set(own.map(({ reason }) => reason));
  const builtIn = [
    ...[...OF_NPD, ...FURTHER].map(toRule),
    ...OF_SYSTEMD.map((row) => ({ ...toRule(row), isOfSystemd: true })),
  ];
  return [...builtIn.filter(({ reason }) => !replaced.has(reason)), ...own];
}
