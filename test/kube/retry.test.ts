import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../src/kube/api.ts';
import { pausesAfter, reasonToList, retryDelay } from '../../src/kube/retry.ts';

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

for (const [status, text, reason] of [
  [410, 'too old resource version', 'expired'],
  [504, 'Timeout: Too large resource version: 7, current: 5', 'reordered'],
  [400, 'bad watch', 'refused'],
  [404, '', 'refused'],
  [422, '', 'refused'],
  [401, '', undefined],
  [403, '', undefined],
  [408, '', undefined],
  [429, 'too many requests', undefined],
  [500, '', undefined],
  [504, 'gateway timeout', undefined],
] as const) {
  test(`after a watch was answered ${status} ${text}, the next request is ${reason === undefined ? 'a watch' : `a list (${reason})`}`, () => {
    assert.equal(reasonToList(new ApiError(`GET ${PATH}`, status, text)), reason);
  });
}
