import type { Reflector } from '../../kube/reflector.ts';
import type { ResourceStatus } from '../../metrics/outcome.ts';
import { type Resource, uniqueName } from './resource.ts';
import type { SeriesClaims } from './series-claims.ts';
import type { SeriesNotes } from './series-notes.ts';
import type { ObjectStore } from './store/store.ts';

/** One followed resource. */
export interface Followed {
  readonly resource: Resource;
  /** Shared by resources with families of the same name, which need a single header. */
  readonly store: ObjectStore;
  /** Whether it is the first of the resources that share the store, which represents it in the self metrics. */
  readonly ownsStore: boolean;
  /** One for the whole cluster, or one per configured namespace. */
  readonly reflectors: readonly Reflector[];
  /** Metric families of objects that could not be rendered. */
  readonly renderErrors: { count: number };
  /** For resources whose labels are user-defined: series that more than one object has. */
  readonly claims: SeriesClaims | undefined;
  readonly notes: SeriesNotes;
}

/** Whether everything was listed at least once, or is not served. */
export const wasListed = ({ stats, failure }: Reflector): boolean =>
  stats.lists.success > 0 || failure?.notServed === true;

/** Whether the resource cannot be followed; not being served is not a fault. */
export function isDown({ reflectors }: Followed): boolean {
  for (const { failure } of reflectors) if (failure !== undefined && !failure.notServed) return true;
  return false;
}

/** Whether no part of it is served. */
export const isUnserved = ({ reflectors }: Followed): boolean =>
  reflectors.every(({ failure }) => failure?.notServed === true);

/** The current state of the resource. */
export function statusOf(followed: Followed): ResourceStatus {
  const { resource, reflectors } = followed;
  const failures = reflectors.map(({ failure }) => failure).filter((failure) => failure !== undefined);
  const worst = failures.find(({ notServed }) => !notServed) ?? (isUnserved(followed) ? failures[0] : undefined);
  const lastEventMs = Math.max(...reflectors.map(({ stats }) => stats.lastEventMs ?? 0));
  return {
    resource: uniqueName(resource),
    state: stateOf(followed),
    objects: reflectors.reduce((sum, { stats }) => sum + stats.objects, 0),
    ...(lastEventMs > 0 && { lastEventMs }),
    ...(worst && { error: worst.error.message, nextTryMs: Math.round(worst.nextTryMs) }),
  };
}

function stateOf(followed: Followed): ResourceStatus['state'] {
  if (isDown(followed)) return 'down';
  if (isUnserved(followed)) return 'not-served';
  return followed.reflectors.every(wasListed) ? 'followed' : 'listing';
}
