import type { Log } from '../base/log.ts';
import type { LogsSection } from '../config/logs-section.ts';
import type { Host } from '../host/host.ts';
import type { PodNames } from '../pods/pod-names.ts';
import type { EventFeed } from './event/event-feed.ts';
import type { CountedFiles } from './files/file-selection.ts';
import type { TrapFeed } from './snmp/trap-feed.ts';

/** The environment of sources of entries. */
export interface LogWorld {
  readonly logs: LogsSection;
  readonly host: Host;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Labels of all entries of this agent: node, cluster and the global ones. */
  readonly labels: Readonly<Record<string, string>>;
  readonly names: PodNames | undefined;
  /** Entries of `collectors.log.files` that have rules with `ship`. */
  readonly shippedByRule?: readonly CountedFiles[];
  /** SNMP traps; undefined unless `logs.snmp` is enabled. */
  readonly traps?: TrapFeed | undefined;
  /** Kubernetes events; undefined unless `logs.events` is enabled. */
  readonly events?: EventFeed | undefined;
}
