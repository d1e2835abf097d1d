import { gauge, ownCounter } from '../../metrics/family.ts';
import type { EventSection } from './section.ts';

const LABELS = ['type', 'involved_object_namespace', 'involved_object_kind', 'reason'];

/** The families of this collector. */
export function eventFamilies({ reportingComponent }: Pick<EventSection, 'reportingComponent'>) {
  const labels = reportingComponent ? [...LABELS, 'reporting_component'] : LABELS;
  return [
    ownCounter('kube_events_total', 'Occurrences of events, as reported by their sources.', labels),
    gauge('kube_events_last_timestamp_seconds', 'Time of the last occurrence of an event with these labels.', labels),
  ] as const;
}
