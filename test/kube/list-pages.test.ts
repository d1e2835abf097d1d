import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeApi, KubeRequest } from '../../src/kube/api.ts';
import { listPages } from '../../src/kube/list-pages.ts';
import { type KubeObject, keyOf } from '../../src/kube/object.ts';

const OPTIONS = { timeout: 120_000 };

const thing = (name: string): string => JSON.stringify({ metadata: { name, resourceVersion: '1' } });
const head = (token?: string): string =>
  `{"kind":"ThingList","metadata":{"resourceVersion":"9"${token ? `,"continue":"${token}"` : ''}},"items":[`;

type Page = () => AsyncGenerator<string>;

/** Lists pages by their tokens; returns the names, and the requests so far. */
function list(pages: Readonly<Record<string, Page>>) {
  const requests: KubeRequest[] = [];
  const api = {
    async stream(request: KubeRequest) {
      requests.push(request);
      const page = pages[String(request.query?.continue ?? '')];
      if (page === undefined) throw new Error('no such page');
      return (async function* () {
        for await (const text of page()) yield Buffer.from(text);
      })();
    },
  } as unknown as KubeApi;
  const seen = new Set<string>();
  const take = ({ metadata }: KubeObject) => seen.add(keyOf(metadata));
  const all = async () => {
    const { signal } = new AbortController();
    for await (const _ of listPages(api, '/things', {}, { seen, take, signal }));
    return [...seen];
  };
  return { requests, all };
}

test('the next page is requested while the objects of one arrive', OPTIONS, async () => {
  const second = Promise.withResolvers<void>();
  const { all, requests } = list({
    '': async function* () {
      yield `${head('b')}${thing('one')},`;
      // Without a request for the next page this one never ends.
      await second.promise;
      yield `${thing('two')}]}`;
    },
    get b() {
      second.resolve();
      return async function* () {
        yield `${head()}${thing('three')}]}`;
      };
    },
  });
  assert.deepEqual(await all(), ['one', 'two', 'three']);
  assert.equal(requests.length, 2, 'each page once');
});

test('a server that writes its metadata last is listed page by page', OPTIONS, async () => {
  const { all, requests } = list({
    '': async function* () {
      yield `{"items":[${thing('one')}],"metadata":{"resourceVersion":"9","continue":"b"}}`;
    },
    b: async function* () {
      yield `{"items":[${thing('two')}],"metadata":{"resourceVersion":"9"}}`;
    },
  });
  assert.deepEqual(await all(), ['one', 'two']);
  assert.equal(requests.length, 2);
});

test('a failing page aborts the request for the next one', OPTIONS, async () => {
  const { all, requests } = list({
    '': async function* () {
      yield `${head('b')}${thing('one')},`;
      throw new Error('the connection broke');
    },
    b: async function* () {
      yield `${head()}]}`;
    },
  });
  await assert.rejects(all(), /the connection broke/);
  assert.equal(requests[1]?.query?.continue, 'b');
  assert.ok(requests[1]?.signal.aborted);
});

test('a rejected next page fails the list when its turn comes', OPTIONS, async () => {
  const { all } = list({
    '': async function* () {
      yield `${head('missing')}${thing('one')},`;
      yield `${thing('two')}]}`;
    },
  });
  await assert.rejects(all(), /no such page/);
});
