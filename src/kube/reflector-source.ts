import type { KubeObject } from './object.ts';

/** Called for each object. An exception is counted and costs only that object. */
export interface ReflectorHandler<O extends KubeObject = KubeObject> {
  /** A new or changed object; must not retain it. `key` is `namespace/name`, or `name` without a namespace. */
  onUpsert(key: string, object: O): void;
  onDelete(key: string): void;
}

/** Which objects a reflector follows. */
export interface ReflectorSource {
  /** The collection's path: `/api/v1/pods`, `/api/v1/namespaces/shop/pods`. */
  readonly path: string;
  /** Kind of its objects; objects of another kind are never passed to the handler. */
  readonly kind: string;
  readonly metadataOnly?: boolean;
  /** Whether the handler never reads `metadata.managedFields`; if so, they are not parsed. */
  readonly skipsManagers?: boolean;
  /**
   * Whether the server may begin to serve the collection at any time, and not only after an upgrade: a custom resource.
   */
  readonly comesAnyTime?: boolean;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  /** Resolves the path before each list; `path` is used until then. May reject in the same cases as {@link KubeApi}. */
  readonly locate?: (signal: AbortSignal) => Promise<string>;
}

/** Why a collection is not being followed. */
export interface ReflectorFailure {
  readonly error: Error;
  /** Whether the server does not have the collection, which is not a fault. */
  readonly notServed: boolean;
  readonly sinceMs: number;
  readonly nextTryMs: number;
}
