import { PRIORITIES } from '../../base/syslog.ts';
import type { LogEntry } from '../entry.ts';
import { feedSource } from '../queue-source.ts';
import type { LogSourceType } from '../source.ts';
import type { LogWorld } from '../world.ts';
import type { ObservedEvent } from './event-feed.ts';

/** Kubernetes events that the leader counts. */
export const eventSource = (world: LogWorld): LogSourceType =>
  feedSource(world, {
    name: 'event',
    items: 'Kubernetes events',
    feed: world.events,
    entries: () => (observed: ObservedEvent) => eventEntry(observed, world.labels),
  });

const MAX_MESSAGE = 64 * 1024;
const LABEL = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** An event as an entry; missing values are omitted. */
export function eventEntry([event, by, seenUs]: ObservedEvent, common: LogEntry['labels']): LogEntry {
  const { metadata, type, reason, series } = event;
  const about = event.involvedObject ?? event.regarding;
  const all = {
    type,
    event_name: metadata?.name,
    event_uid: metadata?.uid,
    component: event.reportingComponent || event.reportingController || event.source?.component,
    count: series?.count ?? event.count,
    occurrences: by,
    object_kind: about?.kind,
    object_name: about?.name,
    object_uid: about?.uid,
    object_api_version: about?.apiVersion,
    object_field_path: about?.fieldPath,
    first_time: event.firstTimestamp,
    reason,
  };
  const fields = new Map<string, string>();
  for (const [name, value] of Object.entries(all)) if (value) fields.set(name, String(value));
  const labels: Record<string, string> = { ...common };
  for (const [name, value] of Object.entries({ namespace: about?.namespace, kind: about?.kind, reason })) {
    if (value && LABEL.test(value)) labels[name] = value;
  }
  const times = [series?.lastObservedTime, event.lastTimestamp, event.eventTime, event.firstTimestamp];
  const timeMs = times.map((time) => (time ? Date.parse(time) : Number.NaN)).find((ms) => !Number.isNaN(ms));
  return {
    ...{ source: 'event', labels, fields },
    timeUs: timeMs === undefined ? seenUs : timeMs * 1000,
    message: (event.message ?? event.note ?? '').slice(0, MAX_MESSAGE),
    priority: PRIORITIES.indexOf(type === 'Warning' ? 'warning' : 'info'),
    cursor: `e=${metadata?.uid ?? ''};v=${metadata?.resourceVersion ?? ''}`.slice(0, 512),
  };
}
