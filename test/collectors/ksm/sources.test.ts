import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCustomResources } from '../../../src/collectors/ksm/custom/resource.ts';
import { ksmOptions } from '../../../src/collectors/ksm/options.ts';
import type { Resource } from '../../../src/collectors/ksm/resource.ts';
import { sourcesOf } from '../../../src/collectors/ksm/sources.ts';
import { ApiError, type KubeApi } from '../../../src/kube/api.ts';
import { pausesAfter } from '../../../src/kube/retry.ts';
import { resourceNamed } from './kit.ts';

const API: KubeApi = {
  json: () => Promise.reject(new Error('not used')),
  stream: () => Promise.reject(new Error('not used')),
};

/** A custom resource with one info metric of what is at `path`. */
function widgets(version: string, path: readonly string[]): Resource {
  const metric = { name: 'info', each: { type: 'Info', info: { path, labelsFromPath: { manager: ['manager'] } } } };
  const groupVersionKind = { group: 'acme.io', version, kind: 'Widget' };
  const [resource] = parseCustomResources(
    JSON.stringify({ spec: { resources: [{ groupVersionKind, metrics: [metric] }] } }),
  );
  return resource ?? assert.fail('no resource');
}

/** However a custom resource is listed: as a whole, with the version of the server, or by namespace. */
const WAYS = [
  { version: 'v1', namespaces: [] },
  { version: '*', namespaces: [] },
  { version: 'v1', namespaces: ['shop'] },
] as const;

test('managedFields are only parsed for custom resources that expose them', () => {
  for (const { version, namespaces } of WAYS) {
    const skips = (path: readonly string[]) =>
      sourcesOf(API, widgets(version, path), ksmOptions.parse({ namespaces })).map((source) => source.skipsManagers);
    assert.deepEqual(skips(['metadata', 'managedFields']), [undefined]);
    assert.deepEqual(skips(['status']), [true]);
  }
  assert.deepEqual(
    sourcesOf(API, resourceNamed('pods'), ksmOptions.parse({})).map(({ skipsManagers }) => skipsManagers),
    [true],
  );
});

test('a custom resource that is not served is looked for every 30 s, however it is listed', () => {
  const longest = (resource: Resource, namespaces: readonly string[] = []) =>
    sourcesOf(API, resource, ksmOptions.parse({ namespaces })).map(
      (source) => pausesAfter(new ApiError(`GET ${source.path}`, 404, ''), source).longestMs,
    );
  for (const { version, namespaces } of WAYS) {
    assert.deepEqual(longest(widgets(version, ['status']), namespaces), [30_000], `${version} ${namespaces}`);
  }
  assert.deepEqual(longest(resourceNamed('deployments')), [120_000]);
});
