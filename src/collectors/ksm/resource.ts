import type { KubeObject } from '../../kube/object.ts';
import type { Family } from '../../metrics/family.ts';

/** The stability level of a family in kube-state-metrics; `ALPHA` for resources that it does not have. */
export type Stability = 'STABLE' | 'BETA' | 'ALPHA' | 'DEPRECATED';

/** A label value as found in the object; an absent one is written as an empty string. */
export type LabelValue = string | null | undefined;

/**
 * Emits one sample; `labels` are the values of the family's own labels, in their order, followed, for a family with
 * `extraLabels`, by pairs of name and value. The renderer drops a second sample of the same series.
 */
export type Emit = (value: number, ...labels: readonly LabelValue[]) => void;

/** The labels or annotations of an object, or any other map of strings. */
export type TextMap = Readonly<Record<string, LabelValue>> | null | undefined;

/** Selects the entries of `metadata.labels` or `metadata.annotations` that the configuration allows. */
export type Allowed = (map: TextMap) => TextMap;

/**
 * One `kube_*` family as data. `family.labels` are its labels in addition to the identity of the resource, which the
 * renderer puts first in every series.
 */
export interface KubeFamily<O extends KubeObject = KubeObject> {
  readonly family: Family;
  readonly stability: Stability;
  /** Omitted unless explicitly enabled, as in kube-state-metrics. */
  readonly optIn?: boolean;
  /**
   * Emits the samples of one object: none when the fields are absent. Must not retain the object. May throw on an
   * object that violates the API; then only this family of this object is lost. `allowed` is for `allowlisted` only.
   */
  samples(object: O, emit: Emit, allowed: Allowed): void;
  /** Labels that only some series have, or `label_*` for names that come from the object: for the docs. */
  readonly extraLabels?: readonly string[];
  /** Set on `kube_*_labels` and `kube_*_annotations`, which are omitted without an allowlist for their resource. */
  readonly allowlisted?: 'labels' | 'annotations';
}

/** Thrown by `samples` when the samples emitted so far are correct and only the rest is lost. */
export class PartlyLost extends Error {
  override readonly name = 'PartlyLost';
}

/** One API resource and the metric families of its objects. */
export interface Resource<O extends KubeObject = KubeObject> {
  /** Plural name, as in the API's path and in kube-state-metrics' options. */
  readonly name: string;
  readonly kind: string;
  /** `v1`, `apps/v1`, ... */
  readonly apiVersion: string;
  readonly namespaced: boolean;
  /** Whether it is collected by default. */
  readonly enabled: boolean;
  /** Set for custom resources from the user's configuration, whose plural name may equal a built-in one. */
  readonly custom?: boolean;
  /** A unique name, where {@link uniqueName} would not find one. */
  readonly unique?: string;
  /** Set where the configuration leaves the version open: the version preferred by the API server, once known. */
  readonly anyVersion?: { current: string };
  /** Whether another resource has a family of the same name, so that both need a single TYPE line. */
  readonly sharesFamilies?: boolean;
  /**
   * Whether its families need only name, namespace, labels and times; then only metadata is requested and the contents
   * (of secrets, say) never reach the agent.
   */
  readonly metadataOnly?: boolean;
  /** Whether its families use `managedFields`, which are otherwise dropped before an object is parsed. */
  readonly readsManagers?: boolean;
  /** Labels that identify the object on each of its series, and their values. */
  readonly identity: { readonly labels: readonly string[]; values(object: O): readonly string[] };
  readonly families: readonly KubeFamily<O>[];
}

/** Preserves the object type of a resource, which the list of all resources erases. */
export const defineResource = <O extends KubeObject>(resource: Resource<O>): Resource =>
  resource as unknown as Resource;

/** The unique name: for a custom resource it includes the group, `services.serving.knative.dev`. */
export const uniqueName = ({ name, apiVersion, custom, unique }: Resource): string =>
  unique ?? (custom ? `${name}.${groupVersionOf(apiVersion).group}` : name);

/** The group and the version of `apps/v1`, or `v1` of the core group. */
export function groupVersionOf(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf('/');
  return { group: apiVersion.slice(0, Math.max(0, slash)), version: apiVersion.slice(slash + 1) };
}

/**
 * The path of the collection on the API server, for one namespace or all: `/api/v1/pods`, `/apis/apps/v1/deployments`.
 */
export function resourcePath({ apiVersion, name }: Pick<Resource, 'apiVersion' | 'name'>, namespace?: string): string {
  const root = `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}`;
  return namespace === undefined ? `${root}/${name}` : `${root}/namespaces/${namespace}/${name}`;
}
