import { counter, type Family, gauge, ownCounter } from '../../metrics/family.ts';

export const journalMatches = ownCounter(
  'journal_matches_total',
  'Journal entries matched by a configured rule; named groups of its pattern become labels.',
  ['rule'],
);

export const journalMessages = ownCounter('journal_messages_total', 'Journal entries.', [
  'unit',
  'priority',
  'transport',
]);
export const journalBytes = ownCounter('journal_bytes_total', 'Bytes of journal messages.', ['unit']);
export const unitEvents = ownCounter('systemd_unit_events_total', 'Unit events reported by systemd.', [
  'unit',
  'event',
]);
export const journalLost = counter('journal_entries_lost_total', 'Journal entries lost before they were read.', [
  'reason',
]);
export const journalLag = gauge(
  'journal_lag_seconds',
  'Age of the last entry read while more are pending; otherwise 0.',
);

export const problemCounter = ownCounter('problem_counter', 'Number of times the problem occurred.', ['reason']);
export const problemGauge = gauge(
  'problem_gauge',
  'Whether the problem affects the node: until a message ends it, or for 10 minutes after its last message.',
  ['type', 'reason'],
);
export const kernelMessages = ownCounter('kernel_messages_total', 'Kernel messages.', ['priority']);
export const kernelLost = ownCounter(
  'kernel_messages_lost_total',
  'Kernel messages overwritten before they were read.',
);
export const oomKills = ownCounter('kernel_oom_kills_total', 'Processes killed by the OOM killer.', [
  ...['process', 'constraint', 'namespace', 'pod', 'container'],
]);

export const coreDumps = ownCounter(
  'core_dumps_total',
  'Processes that dumped core, as reported by systemd-coredump.',
  [...['executable', 'signal', 'unit']],
);

export const readOnlyTransitions = ownCounter(
  'filesystem_readonly_transitions_total',
  'Mounts that changed from writable to read-only.',
  ['device', 'mountpoint', 'fstype'],
);

export const logLines = ownCounter('log_lines_total', 'Lines read from the files of a pattern.', ['logfile']);
export const logRotations = ownCounter(
  'log_rotations_total',
  'Number of times a path pointed to a new file (rotations).',
  ['logfile'],
);
export const logTruncates = ownCounter('log_truncates_total', 'Number of times a file was truncated or overwritten.', [
  'logfile',
]);
export const logErrors = ownCounter('log_errors_total', 'Errors reading a file or folder, or evaluating a rule.', [
  'logfile',
]);
export const logLostBytes = ownCounter(
  'log_lost_bytes_total',
  'Known unread bytes of files that were truncated or removed.',
  ['logfile'],
);
export const logLagBytes = gauge('log_lag_bytes', 'Bytes not yet read.', ['logfile']);

/** Labels of the lines of a container. */
export const CONTAINER_LABELS = ['namespace', 'pod', 'container'] as const;

export const containerLogLines = ownCounter(
  'container_log_lines_total',
  'Lines read from the logs of containers whose pods opt in.',
  CONTAINER_LABELS,
);
export const containerLogErrors = ownCounter(
  'container_log_errors_total',
  'Errors reading the log of a container, or evaluating a rule on its lines.',
  CONTAINER_LABELS,
);
export const containerLogLostBytes = ownCounter(
  'container_log_lost_bytes_total',
  'Known unread bytes of container logs that were truncated or removed.',
  CONTAINER_LABELS,
);
export const containerLogFiles = gauge('container_log_files', 'Log files of containers that are followed.');
export const containerLogLagBytes = gauge('container_log_lag_bytes', 'Bytes of container logs not yet read.');

export const snmpTraps = ownCounter('snmp_traps_total', 'SNMP traps and informs received.', [
  ...['source', 'trap_oid', 'name', 'version'],
]);
export const snmpRefused = ownCounter(
  'snmp_traps_refused_total',
  'Datagrams received that were not accepted as traps.',
  ['reason'],
);
export const snmpUdpErrors = counter(
  'snmp_traps_udp_errors_total',
  "Datagrams received and dropped by the kernel, on all ports of the agent's network namespace.",
  ['protocol', 'error'],
);

/** Of the collector `journal`. */
export const journalFamilies: readonly Family[] = [
  ...[journalMessages, journalBytes, journalMatches, unitEvents, journalLost, journalLag],
];

/** Of the collector `kernel`. */
export const kernelFamilies: readonly Family[] = [
  ...[problemCounter, problemGauge, kernelMessages, kernelLost, oomKills, coreDumps, readOnlyTransitions],
];

/** Of the collector `log`, in addition to the metrics of its rules. */
export const logFileFamilies: readonly Family[] = [
  ...[logLines, logRotations, logTruncates, logErrors, logLostBytes, logLagBytes],
  ...[containerLogLines, containerLogErrors, containerLogLostBytes, containerLogFiles, containerLogLagBytes],
];

/** Of the collector `snmp`. */
export const snmpFamilies: readonly Family[] = [snmpTraps, snmpRefused, snmpUdpErrors];
