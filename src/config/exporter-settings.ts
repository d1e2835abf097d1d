import type { Group } from '../metrics/group.ts';
import type { RelabelRules } from './relabel-schema.ts';

/** What the settings of all exporters have in common; each type has more. */
export interface ExporterSettings {
  readonly type: string;
  readonly enabled: boolean;
  /** The groups that the receiver gets; unset for a receiver of log entries. */
  readonly groups?: readonly Group[];
  /** Rules on the series for this receiver. */
  readonly relabel?: RelabelRules;
}
