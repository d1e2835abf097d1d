import type { EventObject } from '../../kube/event.ts';
import type { KubeObject } from '../../kube/object.ts';
import { Snapshot } from '../../metrics/snapshot.ts';
import { addEventCount } from './event-samples.ts';
import { eventFamilies } from './families.ts';
import { occurrenceOf } from './occurrence.ts';
import { EventTally } from './tally.ts';

const API_GROUPS = [undefined, 'v1', 'events.k8s.io/v1', 'events.k8s.io/v1beta1'];

/** Whether an object is an event, of core/v1 or events.k8s.io; one without a version by its kind alone. */
export const isEvent = ({ kind, apiVersion }: KubeObject): boolean =>
  kind === 'Event' && API_GROUPS.includes(apiVersion ?? undefined);

/** What a leader that has seen all occurrences of these events would emit. A duplicate event counts once. */
export function renderEvents(events: readonly EventObject[], reportingComponent: boolean): Snapshot {
  const maxSeries = Number.MAX_SAFE_INTEGER;
  const tally = new EventTally({ maxSeries, withComponent: reportingComponent, handsOver: false, wants: () => true });
  tally.listed();
  tally.begin(undefined);
  for (const [index, event] of events.entries()) {
    const { namespace = '', name, uid } = event.metadata ?? {};
    // Without a name it cannot be a duplicate.
    const key = name ? `${namespace}/${name}` : String(index);
    tally.upsert(key, { uid: uid ?? '', version: index, createdSeconds: undefined }, occurrenceOf(event));
  }
  tally.advance();
  const out = new Snapshot();
  const families = eventFamilies({ reportingComponent });
  for (const one of tally.series) addEventCount(out, families, one);
  out.close();
  return out;
}
