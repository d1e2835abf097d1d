import type { KubeObject } from './object.ts';

/** Is told of each object. A throw is counted and costs only that object. */
export interface ReflectorHandler<O extends KubeObject = KubeObject> {
  /** A new or changed object; must not keep it. `key` is `namespace/name`, or `name` without a namespace. */
  onUpsert(key: string, object: O): void;
  onDelete(key: string): void;
}

/** Which objects a reflector follows. */
export interface ReflectorSource {
  /** The collection's path: `/api/v1/pods`, `/api/v1/namespaces/shop/pods`. */
  readonly path: string;
  /** Of its objects; what is of another kind is never handed on. */
  readonly kind: string;
  readonly metadataOnly?: boolean;
  /** Whether the handler never reads `metadata.managedFields`: then they are not parsed. */
  readonly skipsManagers?: boolean;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  /** Finds the path anew, before each list; `path` holds until then. May reject as {@link KubeApi} does. */
  readonly locate?: (signal: AbortSignal) => Promise<string>;
}

/** Why a collection is not followed right now. */
export interface ReflectorFailure {
  readonly error: Error;
  /** Whether the server does not have the collection, which is no fault. */
  readonly notServed: boolean;
  readonly sinceMs: number;
  readonly nextTryMs: number;
}
