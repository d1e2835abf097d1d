import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allowedOf } from '../../../src/collectors/ksm/allowlist.ts';
import { type Renderer, rendererOf } from '../../../src/collectors/ksm/render.ts';
import type { Resource } from '../../../src/collectors/ksm/resource.ts';
import { resources } from '../../../src/collectors/ksm/resources/index.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import type { PushedLabelOptions } from '../../../src/metrics/pushed-labels.ts';
import { fixture } from '../../kit/host-tree.ts';

/** The resource with this plural name. */
export function resourceNamed(name: string): Resource {
  const resource = resources.find((each) => each.name === name);
  if (!resource) throw new Error(`no resource ${name}`);
  return resource;
}

/** A renderer of every family, including opt-in ones, with these keys of labels and annotations; as pushed, or unchanged. */
export const fullRenderer = (
  resource: Resource,
  labels: readonly string[] = [],
  annotations: readonly string[] = [],
  pushed?: PushedLabelOptions,
): Renderer =>
  rendererOf(resource, {
    includes: () => true,
    labels: allowedOf({ '*': labels }, resource.name),
    annotations: allowedOf({ '*': annotations }, resource.name),
    pushed,
  });

/** The recorded list of a resource; empty if the cluster did not have the resource. */
export function recordedList({ apiVersion, name }: Resource): readonly KubeObject[] {
  const file = `${apiVersion === 'v1' ? 'core_v1' : apiVersion.replace('/', '_')}_${name}.json`;
  const folder = fixture('cluster-cgroupv1/api');
  if (!readdirSync(folder).includes(file)) return [];
  return (JSON.parse(readFileSync(join(folder, file), 'utf8')) as { items: KubeObject[] }).items;
}

/** The metadata that {@link linesOf} adds to an object without one. */
export const metadata = { name: 'a', namespace: 'ns' };

/** The lines of an object for the families whose names begin with `prefix`. */
export function linesOf(resource: string, object: object, prefix: string): readonly string[] {
  const { text, errors } = fullRenderer(resourceNamed(resource)).render({ metadata, ...object });
  assert.deepEqual(errors, []);
  return text.split('\n').filter((line) => line.startsWith(prefix));
}
