import type { EventObject } from '../../kube/event.ts';

/** The content of one event, with limits: no text of arbitrary length becomes a label. */
export interface Occurrence {
  readonly type: string;
  readonly namespace: string;
  readonly kind: string;
  readonly reason: string;
  readonly component: string;
  /** Number of occurrences, at least one. */
  readonly count: number;
  /** Time of the last occurrence, seconds since 1970; undefined when the event does not contain it. */
  readonly lastSeconds: number | undefined;
}

/** Replaces an invalid value: one with blanks, or far too long. */
export const INVALID = '__invalid__';

const WORD = /^[A-Za-z0-9]{1,64}$/;
/** Namespaces and components: DNS names, and paths such as `kubelet` or `example.com/controller`. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/;

const bounded = (value: string | null | undefined, pattern: RegExp): string =>
  !value ? '' : pattern.test(value) ? value : INVALID;

/** Reads an event. Missing fields are empty; an invalid count is 1. */
export function occurrenceOf(event: EventObject): Occurrence {
  const about = event.involvedObject ?? event.regarding;
  const source = event.source ?? event.deprecatedSource;
  const by = event.reportingComponent || event.reportingController || source?.component;
  const counts = [event.series?.count, event.count, event.deprecatedCount];
  const times = [
    event.series?.lastObservedTime,
    event.lastTimestamp ?? event.deprecatedLastTimestamp,
    event.eventTime,
    event.firstTimestamp ?? event.deprecatedFirstTimestamp,
    event.metadata?.creationTimestamp,
  ];
  return {
    type: bounded(event.type, WORD),
    namespace: bounded(about?.namespace, NAME),
    kind: bounded(about?.kind, WORD),
    reason: bounded(event.reason, WORD) || INVALID,
    component: bounded(by, NAME),
    count: counts.find((count) => Number.isSafeInteger(count) && Number(count) > 0) ?? 1,
    lastSeconds: times.map(secondsOf).find((seconds) => seconds !== undefined),
  };
}

function secondsOf(time: string | null | undefined): number | undefined {
  const ms = time ? Date.parse(time) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms / 1000;
}
