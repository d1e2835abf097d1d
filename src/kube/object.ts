/**
 * The fields of Kubernetes objects that we read, as the API server sends them in JSON: times are RFC 3339 strings,
 * unset fields are absent. Hand-written and narrow: the generated models of the client library cost 50 MB and drop
 * unknown fields.
 */
interface ObjectMeta {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string | null;
  readonly deletionTimestamp?: string | null;
  readonly labels?: Readonly<Record<string, string>> | null;
  readonly annotations?: Readonly<Record<string, string>> | null;
  readonly ownerReferences?: readonly OwnerReference[] | null;
  readonly finalizers?: readonly string[] | null;
}

/** An owner of an object; at most one owner is its controller. */
export interface OwnerReference {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly controller?: boolean | null;
}

/** Any object of the API. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta | null;
}

/**
 * `namespace/name`, or `name` alone. Joined, because a template makes an object of two parts, which would be retained in
 * addition to the text.
 */
export const keyOf = (metadata: ObjectMeta | null | undefined): string =>
  metadata?.namespace ? [metadata.namespace, metadata.name ?? ''].join('/') : (metadata?.name ?? '');
