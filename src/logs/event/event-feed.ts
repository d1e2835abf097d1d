import type { Feed } from '../feed.ts';

/** An event as passed on by the collector `event`. */
interface ShippedEvent {
  readonly metadata?:
    | { readonly uid?: string | null; readonly resourceVersion?: string | null; readonly name?: string | null }
    | null
    | undefined;
  readonly type?: string | null;
  readonly reason?: string | null;
  readonly message?: string | null;
  readonly note?: string | null;
  readonly count?: number | null;
  readonly series?: { readonly count?: number | null; readonly lastObservedTime?: string | null } | null;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly involvedObject?: EventSubject | null;
  readonly regarding?: EventSubject | null;
  readonly source?: { readonly component?: string | null } | null;
  readonly reportingComponent?: string | null;
  readonly reportingController?: string | null;
}

/** The object that an event is about. */
interface EventSubject {
  readonly kind?: string | null;
  readonly namespace?: string | null;
  readonly name?: string | null;
  readonly uid?: string | null;
  readonly apiVersion?: string | null;
  readonly fieldPath?: string | null;
}

/** An event, its occurrences since it was last seen, and when it was seen, microseconds since 1970. */
export type ObservedEvent = readonly [event: ShippedEvent, by: number, seenUs: number];

/** Passes events of the collector to all lanes that ship them. */
export type EventFeed = Feed<ObservedEvent>;
