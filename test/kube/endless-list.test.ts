import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import type { KubeApi } from '../../src/kube/api.ts';
import { FailureLog } from '../../src/kube/failure-log.ts';
import { Reflector } from '../../src/kube/reflector.ts';

/** Token and number of objects in the response to a request with `token`: none of these lists ends. */
const LISTS: Readonly<Record<string, (token: string, count: number) => { next: string; objects: number }>> = {
  'the same token forever': () => ({ next: 'same', objects: 1 }),
  'two tokens alternately': (token) => ({ next: token === 'a' ? 'b' : 'a', objects: 1 }),
  'three tokens in rotation': (_, count) => ({ next: `t${count % 3}`, objects: 2 }),
  'new tokens without objects': (_, count) => ({ next: `t${count}`, objects: 0 }),
};

for (const [what, answer] of Object.entries(LISTS)) {
  test(`${what}: a fault with a back-off, not endless requests`, { timeout: 120_000 }, async (t) => {
    let requests = 0;
    let sleeps = 0;
    const api = {
      async stream({ query }: { query: { continue?: string } }) {
        const { next, objects } = answer(query.continue ?? '', requests++);
        const items = Array.from({ length: objects }, (_, index) => ({
          metadata: { name: `o${index}`, resourceVersion: '1' },
        }));
        const list = { kind: 'ThingList', metadata: { resourceVersion: '9', continue: next }, items };
        return (async function* () {
          yield Buffer.from(JSON.stringify(list));
        })();
      },
    } as unknown as KubeApi;
    const timing = {
      wallMs: () => 0,
      random: () => 0,
      sleep: async (_: number, signal: AbortSignal) => {
        sleeps++;
        while (!signal.aborted) await setImmediate();
      },
      healthyMs: 1000,
      idleMs: 1000,
      watchMs: 1000,
    };
    const handler = { onUpsert: () => undefined, onDelete: () => undefined };
    const log = pino({ level: 'silent' });
    const reflector = new Reflector(
      api,
      { path: '/api/v1/things', kind: 'Thing' },
      handler,
      new FailureLog(log, Date.now),
      timing,
    );
    t.after(() => reflector.stop());
    reflector.start();
    while (sleeps === 0) await setImmediate();
    assert.ok(requests <= 1001, `${requests} requests`);
    assert.equal(reflector.synced, false);
    assert.equal(reflector.stats.lists.error, 1);
  });
}
