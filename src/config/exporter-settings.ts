import type { Group } from '../metrics/group.ts';
import type { RelabelRules } from './relabel-schema.ts';

/** The common settings of all exporters; each type has more. */
export interface ExporterSettings {
  readonly type: string;
  readonly enabled: boolean;
  /** The groups sent to the receiver; unset for a receiver of log entries. */
  readonly groups?: readonly Group[];
  /** Relabel rules for this receiver. */
  readonly relabel?: RelabelRules;
}
