/** Where entries come from. */
const LOG_SOURCES = ['journal', 'kernel', 'event', 'file', 'snmp'] as const;
export type LogSourceName = (typeof LOG_SOURCES)[number];

/** A field as stored in the journal. */
export interface StoredField {
  readonly name: string;
  readonly value: string | Uint8Array;
  /** `NAME=value` and a line end; undefined when the value is bytes or has several lines. */
  readonly line: string | undefined;
}

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
  /**
   * The same fields as stored in the journal, if the entry is from one: `lines` has those of the entry's header as lines
   * `NAME=value`, `fields` all others.
   */
  readonly stored?: { readonly lines: string; readonly fields: Iterable<StoredField> } | undefined;
  /** Identifies the entry: the same one has the same cursor after a restart. At most 512 characters. */
  readonly cursor: string;
}
