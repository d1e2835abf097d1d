import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiBodyError } from '../../src/kube/api.ts';
import { ListDecoder, type ListMeta } from '../../src/kube/list-stream.ts';
import { parseWithoutManagers } from '../../src/kube/managed-fields.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { decodeWatch } from '../../src/kube/watch-stream.ts';
import { recorded } from '../kit/fake-api-server.ts';

const LIMIT = 1_000_000;

/** The text in pieces of `size` bytes, which may end in the middle of a character. */
const pieces = (text: string, size: number): Buffer[] => {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
};

function decodeList(text: string, size: number, limit = LIMIT): { objects: KubeObject[]; meta: ListMeta } {
  const decoder = new ListDecoder('/list', limit);
  const objects = pieces(text, size).flatMap((piece) => [...decoder.push(piece)]);
  return { objects, meta: decoder.end() };
}

async function eventsOf(text: string, size: number, limit = LIMIT, skipsManagers = false): Promise<unknown[]> {
  const chunks = async function* () {
    yield* pieces(text, size);
  };
  const events: unknown[] = [];
  for await (const event of decodeWatch(chunks(), '/watch', limit, skipsManagers)) events.push(event);
  return events;
}

const TRICKY = {
  items: [
    { metadata: { name: 'a"}],{[\\' }, list: [[1, 2], [{ deep: [{}] }]] },
    {},
    { metadata: { name: 'größe 🦊', annotations: { json: '{"items":[{"a":"\\\\\\""}]}' } } },
  ],
  metadata: { continue: 'c', resourceVersion: '7', arrays: [[{ a: 1 }], []] },
  kind: 'XList',
};

test('a list is the same wherever it is split', () => {
  for (const text of [JSON.stringify(TRICKY), JSON.stringify(TRICKY, undefined, 1)]) {
    for (let size = 1; size < 60; size++) {
      const { objects, meta } = decodeList(text, size);
      assert.deepEqual(objects, TRICKY.items);
      assert.deepEqual(meta, { resourceVersion: '7', continue: 'c' });
    }
  }
});

test('the recorded lists are decoded like with JSON.parse', () => {
  for (const file of ['core_v1_pods.json', 'core_v1_pods.page1.json']) {
    const text = recorded(`api/${file}`);
    const { items, metadata } = JSON.parse(text);
    const { objects, meta } = decodeList(text, 1000);
    assert.deepEqual(objects, items);
    assert.equal(meta.resourceVersion, metadata.resourceVersion);
    assert.equal(meta.continue, metadata.continue);
  }
});

test('an empty list has no objects, as null and as []', () => {
  for (const items of ['null', '[]', '[ ]']) {
    const { objects, meta } = decodeList(`{"metadata":{"resourceVersion":"1","continue":""},"items":${items}}`, 7);
    assert.deepEqual([objects, meta], [[], { resourceVersion: '1' }]);
  }
});

const NO_LISTS: Readonly<Record<string, string>> = {
  'nothing at all': '',
  HTML: '<html><body>{"items":[]}</body></html>',
  'a Status': '{"kind":"Status","metadata":{},"code":200}',
  'one object': '{"kind":"Pod","metadata":{"resourceVersion":"5"}}',
  'no version': '{"metadata":{},"items":[]}',
  'a truncated list': '{"metadata":{"resourceVersion":"5"},"items":[{"a":1},{"b"',
  'a list truncated between objects': '{"metadata":{"resourceVersion":"5"},"items":[{"a":1},',
  'an object that is not JSON': '{"metadata":{"resourceVersion":"5"},"items":[{"a":1},{b}]}',
  'JSON null': 'null',
};

for (const [title, text] of Object.entries(NO_LISTS)) {
  test(`${title} is not a list`, () => {
    assert.throws(() => decodeList(text, 5), { name: 'ApiBodyError', code: 'malformed' });
  });
}

test('endless input is aborted at the limit', () => {
  const object = `{"metadata":{"resourceVersion":"5"},"items":[{"a":"${'x'.repeat(5000)}"}]}`;
  assert.throws(() => decodeList(object, 100, 1000), { code: 'too-large' });
  assert.throws(() => decodeList('x'.repeat(5000), 100, 1000), ApiBodyError);
});

test('a watch is the same wherever it is split, without its unfinished last line', async () => {
  const events = [
    { type: 'ADDED', object: { metadata: { name: 'größe 🦊' } } },
    { type: 'BOOKMARK', object: { metadata: { resourceVersion: '5' } } },
  ];
  const text = `${events.map((event) => JSON.stringify(event)).join('\n\n')}\n{"type":"ADDED","obj`;
  for (let size = 1; size < 60; size++) assert.deepEqual(await eventsOf(text, size), events);
});

test('the recorded watches are decoded line by line', async () => {
  for (const [file, count] of [
    ['pods.jsonl', 30],
    ['gone.jsonl', 1],
  ] as const) {
    assert.equal((await eventsOf(`${recorded(`watch/${file}`)}\n`, 1000)).length, count);
  }
});

test('lines that are not events, or have no end, are rejected', async () => {
  for (const line of ['<html>', '{}', 'null', '{"type":"ADDED"}', '{"type":"SOMETHING","object":{}}', '{"type":']) {
    await assert.rejects(eventsOf(`${line}\n`, 3), { name: 'ApiBodyError', code: 'malformed' });
  }
  await assert.rejects(eventsOf(`{"type":"${'x'.repeat(5000)}`, 100, 1000), { code: 'too-large' });
});

test('managedFields are removed from lists and events, wherever they are split, and nothing else is', async () => {
  const pod = {
    metadata: {
      name: 'a',
      labels: { '"managedFields":[': ']"\\' },
      managedFields: [{ manager: 'kube]"[\\', fieldsV1: { 'f:a': [[], [{}]] } }, {}],
      uid: 'größe 🦊',
    },
    spec: { managed: 'managedFields' },
  };
  const rest = { ...pod, metadata: { ...pod.metadata, managedFields: [] } };
  const list = JSON.stringify({ kind: 'PodList', metadata: { resourceVersion: '7' }, items: [pod, {}, pod] });
  const line = `${JSON.stringify({ type: 'ADDED', object: pod })}\n`;
  for (let size = 1; size < 80; size++) {
    const decoder = new ListDecoder('/list', LIMIT, true);
    assert.deepEqual(
      pieces(list, size).flatMap((piece) => [...decoder.push(piece)]),
      [rest, {}, rest],
    );
    assert.deepEqual(await eventsOf(line, size, LIMIT, true), [{ type: 'ADDED', object: rest }]);
    assert.deepEqual(await eventsOf(line, size), [{ type: 'ADDED', object: pod }]);
  }
  assert.throws(() => parseWithoutManagers(Buffer.from('{"managedFields":[{"a":"]"}')), SyntaxError, 'cut off');
});

test('an end of managedFields or of an object that is guessed wrongly is searched for', () => {
  const seam = { metadata: { name: 'inner' } };
  const tricky = {
    metadata: {
      name: 'outer},{"metadata":{',
      managedFields: [{ 'v:{"a":[{}]}': {}, list: [{ deep: [{}] }] }, { 'ends with }]}': 1 }],
    },
    spec: { templates: [seam, seam, { list: [seam, seam] }] },
  };
  const items = Array.from({ length: 12 }, (_, index) => (index % 3 === 0 ? tricky : { ...seam, index }));
  const text = JSON.stringify({ kind: 'XList', metadata: { resourceVersion: '7' }, items });
  for (let size = 10; size < 2000; size += 7) {
    assert.deepEqual(decodeList(text, size).objects, items);
    const decoder = new ListDecoder('/list', LIMIT, true);
    const objects = pieces(text, size).flatMap((piece) => [...decoder.push(piece)]);
    const emptied = { ...tricky, metadata: { ...tricky.metadata, managedFields: [] } };
    assert.deepEqual(
      objects,
      items.map((item) => (item === tricky ? emptied : item)),
    );
  }
  for (const broken of [
    '{"metadata":{"name":"a"},}',
    '{"metadata":{"name":"a"}x}',
    '{"metadata":{"managedFields":[{}]},}',
  ]) {
    const list = `{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{}},${broken},{"metadata":{}}]}`;
    const decoder = new ListDecoder('/list', LIMIT, true);
    assert.throws(() => [...decoder.push(Buffer.from(list))], { name: 'ApiBodyError', code: 'malformed' }, broken);
  }
  const large = `{"items":[{"metadata":{"name":"${'x'.repeat(2000)}"}},{"metadata":{}}]}`;
  assert.throws(() => decodeList(large, 5000, 1000), { code: 'too-large' });
});

test('a list that is split within the beginning of its first object is decoded, whatever names its managers have', () => {
  const first = { metadata: { managedFields: [{ manager: ']}},{' }], name: 'a' } };
  const items = [first, { metadata: { name: 'b' } }];
  const bytes = Buffer.from(JSON.stringify({ kind: 'XList', metadata: { resourceVersion: '7' }, items }));
  for (let size = 1; size < bytes.length; size++) {
    const decoder = new ListDecoder('/list', LIMIT, true);
    const objects = [bytes.subarray(0, size), bytes.subarray(size)].flatMap((part) => [...decoder.push(part)]);
    assert.deepEqual(objects, [{ metadata: { managedFields: [], name: 'a' } }, items[1]]);
  }
});

test('the fields after managedFields stay, in whatever order an API server writes them', () => {
  const managers = [
    [],
    [{ manager: 'flux', fieldsV1: { 'f:status': {} } }],
    [{ manager: 'x', fieldsV1: { 'v:[{"a":1}]': {}, 'k:{"name":"]"}': {} } }],
    [{ manager: 'x', fieldsV1: { list: [{}] } }],
  ];
  const conditions = [{ type: 'Ready' }];
  for (const managedFields of managers) {
    const objects = [
      // Custom resources have their keys in alphabetical order.
      {
        apiVersion: 'v1',
        metadata: { managedFields, name: 'a', uid: 'u' },
        spec: { list: [{}] },
        status: { conditions },
      },
      { metadata: { name: 'a', managedFields }, spec: { containers: [{ ports: [{}] }] }, status: { conditions } },
      { spec: { template: { metadata: { managedFields } }, list: conditions }, metadata: { name: 'a' } },
    ];
    for (const object of objects) {
      const text = JSON.stringify(object);
      const emptied = text.replace(JSON.stringify(managedFields), '[]');
      assert.deepEqual(parseWithoutManagers(Buffer.from(text)), JSON.parse(emptied), text);
    }
  }
});
