import type { KubeObject } from '../../kube/object.ts';
import type { Family } from '../../metrics/family.ts';

/** How long kube-state-metrics promises a family to stay as it is. */
export type Stability = 'STABLE' | 'BETA' | 'ALPHA' | 'DEPRECATED';

/** A label's value as it stands in the object; an absent one is written as empty text. */
export type LabelValue = string | null | undefined;

/**
 * Gives one sample; `labels` are the values for the family's own labels, in their order, then, for a family with
 * `extraLabels`, pairs of name and value. A second sample of the same series is left out by the renderer.
 */
export type Emit = (value: number, ...labels: readonly LabelValue[]) => void;

/** An object's labels or annotations, or any other map of texts. */
export type TextMap = Readonly<Record<string, LabelValue>> | null | undefined;

/** Picks the entries of `metadata.labels` or `metadata.annotations` that the configuration allows. */
export type Allowed = (map: TextMap) => TextMap;

/**
 * One `kube_*` family as data. `family.labels` are its labels beyond the resource's identity, which the renderer puts
 * in front of every series.
 */
export interface KubeFamily<O extends KubeObject = KubeObject> {
  readonly family: Family;
  readonly stability: Stability;
  /** Left out unless asked for, as in kube-state-metrics. */
  readonly optIn?: boolean;
  /**
   * Emits the samples of one object: none when the fields are absent. Must not keep the object. May throw on an object
   * that is not as the API promises; then only this family of this object is lost. `allowed` is for `allowlisted` only.
   */
  samples(object: O, emit: Emit, allowed: Allowed): void;
  /** Labels that only some series have, or `label_*` for names that come from the object: for the docs. */
  readonly extraLabels?: readonly string[];
  /** Set on `kube_*_labels` and `kube_*_annotations`, which are left out without an allowlist for their resource. */
  readonly allowlisted?: 'labels' | 'annotations';
}

/** Thrown by `samples` when what it has emitted so far is right and only the rest is lost. */
export class PartlyLost extends Error {
  override readonly name = 'PartlyLost';
}

/** One resource of the API and what is told about its objects. */
export interface Resource<O extends KubeObject = KubeObject> {
  /** Plural name, as in the API's path and in kube-state-metrics' options. */
  readonly name: string;
  readonly kind: string;
  /** `v1`, `apps/v1`, ... */
  readonly apiVersion: string;
  readonly namespaced: boolean;
  /** Whether it is collected when the configuration does not say. */
  readonly enabled: boolean;
  /** Set for those of the user's own configuration, whose plural a built-in one may have as well. */
  readonly custom?: boolean;
  /** The name that no other resource has, where {@link uniqueName} would not find one. */
  readonly unique?: string;
  /** Set where the configuration leaves the version open: the one that the API server prefers, once it is known. */
  readonly anyVersion?: { current: string };
  /** Whether another resource has a family of the same name, so that both need one TYPE line. */
  readonly sharesFamilies?: boolean;
  /**
   * Whether name, namespace, labels and times are all its families need; then only metadata is requested and the
   * contents (of secrets, say) never reach the agent.
   */
  readonly metadataOnly?: boolean;
  /** Labels that name the object on each of its series, and their values. */
  readonly identity: { readonly labels: readonly string[]; values(object: O): readonly string[] };
  readonly families: readonly KubeFamily<O>[];
}

/** Keeps a resource's object type while the list of all resources forgets it. */
export const defineResource = <O extends KubeObject>(resource: Resource<O>): Resource =>
  resource as unknown as Resource;

/** The name that no other resource has: with its group for a custom one, `services.serving.knative.dev`. */
export const uniqueName = ({ name, apiVersion, custom, unique }: Resource): string =>
  unique ?? (custom ? `${name}.${groupVersionOf(apiVersion).group}` : name);

/** The group and the version of `apps/v1`, or `v1` of the core group. */
export function groupVersionOf(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf('/');
  return { group: apiVersion.slice(0, Math.max(0, slash)), version: apiVersion.slice(slash + 1) };
}

/** The collection's path on the API server, of one namespace or of all: `/api/v1/pods`, `/apis/apps/v1/deployments`. */
export function resourcePath({ apiVersion, name }: Pick<Resource, 'apiVersion' | 'name'>, namespace?: string): string {
  const root = `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}`;
  return namespace === undefined ? `${root}/${name}` : `${root}/namespaces/${namespace}/${name}`;
}
