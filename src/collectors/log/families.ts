import { counter, type Family, gauge, ownCounter } from '../../metrics/family.ts';

export const journalMatches = ownCounter(
  'journal_matches_total',
  'Entries of the journal that a rule of the configuration matches; named groups of its pattern are further labels.',
  ['rule'],
);

export const journalMessages = ownCounter('journal_messages_total', 'Entries of the journal.', [
  'unit',
  'priority',
  'transport',
]);
export const journalBytes = ownCounter('journal_bytes_total', 'Bytes of the messages of the journal.', ['unit']);
export const unitEvents = ownCounter('systemd_unit_events_total', 'What systemd reports of its units.', [
  'unit',
  'event',
]);
export const journalLost = counter('journal_entries_lost_total', 'Entries of the journal that were never read.', [
  'reason',
]);
export const journalLag = gauge(
  'journal_lag_seconds',
  'Age of the last entry that was read while there are more to read.',
);

export const problemCounter = ownCounter(
  'problem_counter',
  'Number of times a specific type of problem have occurred.',
  ['reason'],
);
export const problemGauge = gauge('problem_gauge', 'Whether a specific type of problem is affecting the node or not.', [
  'type',
  'reason',
]);
export const kernelMessages = ownCounter('kernel_messages_total', 'Messages of the kernel.', ['priority']);
export const kernelLost = ownCounter(
  'kernel_messages_lost_total',
  'Messages of the kernel that were overwritten before they were read.',
);
export const oomKills = ownCounter('kernel_oom_kills_total', 'Processes that the kernel killed for want of memory.', [
  ...['process', 'constraint', 'namespace', 'pod', 'container'],
]);

export const coreDumps = ownCounter(
  'core_dumps_total',
  'Processes that dumped core, as systemd-coredump reports them.',
  [...['executable', 'signal', 'unit']],
);

export const readOnlyTransitions = ownCounter(
  'filesystem_readonly_transitions_total',
  'Mounts that could be written and have become read-only.',
  ['device', 'mountpoint', 'fstype'],
);

export const logLines = ownCounter('log_lines_total', 'Lines read of the files of a pattern.', ['logfile']);
export const logRotations = ownCounter('log_rotations_total', 'Times a path led to another file.', ['logfile']);
export const logTruncates = ownCounter('log_truncates_total', 'Times a file was cut or written over.', ['logfile']);
export const logErrors = ownCounter('log_errors_total', 'Times a file or folder could not be read, or a rule failed.', [
  'logfile',
]);
export const logLagBytes = gauge('log_lag_bytes', 'Bytes that were not read yet.', ['logfile']);

/** Of the collector `journal`. */
export const journalFamilies: readonly Family[] = [
  ...[journalMessages, journalBytes, journalMatches, unitEvents, journalLost, journalLag],
];

/** Of the collector `kernel`. */
export const kernelFamilies: readonly Family[] = [
  ...[problemCounter, problemGauge, kernelMessages, kernelLost, oomKills, coreDumps, readOnlyTransitions],
];

/** Of the collector `log`, beside the metrics of its rules. */
export const logFileFamilies: readonly Family[] = [logLines, logRotations, logTruncates, logErrors, logLagBytes];
