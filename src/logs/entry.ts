/** Where entries come from. */
const LOG_SOURCES = ['journal', 'kernel', 'event', 'file', 'snmp'] as const;
export type LogSourceName = (typeof LOG_SOURCES)[number];

/** One log entry, independent of the receiver. */
export interface LogEntry {
  readonly source: LogSourceName;
  /** Microseconds since 1970. */
  readonly timeUs: number;
  /** The message, which may have several lines. */
  readonly message: string;
  /** As in syslog, 0 (emerg) to 7 (debug); undefined if the source has none. */
  readonly priority: number | undefined;
  /** Few, with few values: node, cluster, unit, namespace, pod, container and the like. A receiver may index them. */
  readonly labels: Readonly<Record<string, string>>;
  /** All other data of the source, under its own names. Bytes where a value is not UTF-8. */
  readonly fields: ReadonlyMap<string, string | Uint8Array>;
  /** Additional values of repeated fields. */
  readonly repeated?: readonly (readonly [name: string, value: string | Uint8Array])[];
  /** Identifies the entry: the same one has the same cursor after a restart. At most 512 characters. */
  readonly cursor: string;
}

/** The names of the syslog priorities, by number. */
export const PRIORITIES = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] as const;
