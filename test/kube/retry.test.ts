import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../src/kube/api.ts';
import { pausesAfter, retryDelay } from '../../src/kube/retry.ts';

const PATH = '/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies';

test("the pause is up to 2 minutes for one of Kubernetes' own resources that the server does not have, otherwise 30 s", () => {
  const missing = new ApiError(`GET ${PATH}`, 404, '404 page not found');
  const longest = (error: Error, source: Parameters<typeof pausesAfter>[1]) =>
    retryDelay(20, error, () => 1, pausesAfter(error, source));
  assert.equal(longest(missing, { path: PATH }), 120_000);
  assert.equal(longest(missing, { path: PATH, comesAnyTime: true }), 30_000, 'a custom resource');
  assert.equal(longest(new ApiError(`GET ${PATH}`, 403, ''), { path: PATH }), 30_000);
  assert.equal(longest(new Error('reset'), { path: PATH }), 30_000);
});
