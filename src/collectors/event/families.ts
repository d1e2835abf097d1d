import { gauge, ownCounter } from '../../metrics/family.ts';
import type { EventSection } from './section.ts';

const LABELS = ['type', 'involved_object_namespace', 'involved_object_kind', 'reason'];

/** The families of this collector. */
export function eventFamilies({ reportingComponent }: Pick<EventSection, 'reportingComponent'>) {
  const labels = reportingComponent ? [...LABELS, 'reporting_component'] : LABELS;
  return [
    ownCounter('kube_events_total', 'Occurrences of events, as far as their senders report them.', labels),
    gauge('kube_events_last_timestamp_seconds', 'When an event of these labels last happened.', labels),
  ] as const;
}
