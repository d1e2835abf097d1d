import type { EventObject } from '../../kube/event.ts';
import type { Feed } from '../feed.ts';

/** An event, its occurrences since it was last seen, and when it was seen, microseconds since 1970. */
export type ObservedEvent = readonly [event: EventObject, by: number, seenUs: number];

/** Passes events of the collector to all lanes that ship them. */
export type EventFeed = Feed<ObservedEvent>;
