import type { Snapshot } from '../../metrics/snapshot.ts';
import type { eventFamilies } from './families.ts';
import type { EventCount } from './tally.ts';

/** Adds the samples of one series of events. */
export function addEventCount(
  out: Snapshot,
  [total, last]: ReturnType<typeof eventFamilies>,
  { type, namespace, kind, reason, component, count, lastSeconds }: EventCount,
): void {
  const labels = [type, namespace, kind, reason, ...(total.labels.includes('reporting_component') ? [component] : [])];
  out.add(total, count, ...labels);
  if (lastSeconds !== undefined) out.add(last, lastSeconds, ...labels);
}
