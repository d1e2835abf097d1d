import type { KubeObject } from './object.ts';

/** An event of core/v1 or events.k8s.io/v1. The API server returns the same objects for both. */
export interface EventObject extends KubeObject {
  readonly type?: string | null;
  readonly reason?: string | null;
  readonly message?: string | null;
  readonly note?: string | null;
  readonly count?: number | null;
  readonly deprecatedCount?: number | null;
  readonly series?: { readonly count?: number | null; readonly lastObservedTime?: string | null } | null;
  readonly deprecatedLastTimestamp?: string | null;
  readonly deprecatedFirstTimestamp?: string | null;
  readonly deprecatedSource?: { readonly component?: string | null } | null;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly involvedObject?: ObjectReference | null;
  readonly regarding?: ObjectReference | null;
  readonly source?: { readonly component?: string | null } | null;
  readonly reportingComponent?: string | null;
  readonly reportingController?: string | null;
}

/** The object that an event is about. */
interface ObjectReference {
  readonly name?: string | null;
  readonly uid?: string | null;
  readonly apiVersion?: string | null;
  readonly fieldPath?: string | null;
  readonly kind?: string | null;
  readonly namespace?: string | null;
}
