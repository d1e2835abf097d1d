import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeRequest } from '../../src/kube/api.ts';
import { tokenReviewer } from '../../src/kube/token-review.ts';

/** An API server that knows one token of one user. */
function reviewer(users: readonly string[] = [], audiences: readonly string[] = []) {
  const asked: object[] = [];
  const world: { time: number; down?: boolean } = { time: 0 };
  const json = async <T>({ body = {} }: KubeRequest): Promise<T> => {
    if (world.down) throw new Error('connection refused');
    const { token } = (body as { spec: { token: string } }).spec;
    asked.push(body);
    const status = token === 'good' ? { authenticated: true, user: { username: 'agent' } } : { authenticated: false };
    return { kind: 'TokenReview', status } as T;
  };
  return { asked, world, check: tokenReviewer({ json }, { users, audiences, monotonicMs: () => world.time }) };
}

test('the API server verifies each token, once a minute', async () => {
  const { asked, world, check } = reviewer([], ['firesteel']);
  assert.deepEqual(await Promise.all([check('good'), check('good'), check('bad')]), [true, true, false]);
  assert.equal(asked.length, 2);
  assert.deepEqual(asked[0], {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token: 'good', audiences: ['firesteel'] },
  });
  world.time = 59_000;
  await check('good');
  assert.equal(asked.length, 2);
  world.time = 61_000;
  await check('good');
  assert.equal(asked.length, 3);
});

test('only the configured users have access', async () => {
  assert.equal(await reviewer(['agent']).check('good'), true);
  assert.equal(await reviewer(['system:serviceaccount:monitoring:node']).check('good'), false);
});

test('an API server that is down gives no result, and is queried again', async () => {
  const { world, check } = reviewer();
  world.down = true;
  await assert.rejects(check('good'), /connection refused/);
  world.down = false;
  assert.equal(await check('good'), true);
});
