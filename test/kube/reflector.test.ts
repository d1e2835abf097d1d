import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { resources } from '../../src/collectors/ksm/resources/index.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import type { WatchEvent } from '../../src/kube/watch-stream.ts';
import { type FakeApiServer, recorded, startFakeApi } from '../kit/fake-api-server.ts';
import { eventually, Follower, listed, PODS, pod, same } from './follow.ts';

const OPTIONS = { timeout: 120_000 };

/** A server with some pods, and a reflector that has listed them and watches them. */
async function following(context: TestContext, timing = {}) {
  const server = await startFakeApi(context);
  for (const name of ['a', 'b', 'c', 'd']) server.cluster.put(PODS, pod(name));
  const follower = new Follower(context, server, {}, timing);
  follower.reflector.start();
  await eventually(() => follower.reflector.stats.watches.success === 1, 'the first watch');
  return { server, follower };
}

/** Every kind of change: a new object, a changed one, a deleted one, one replaced under its name. */
function change({ cluster }: FakeApiServer): void {
  cluster.put(PODS, pod('new'));
  cluster.put(PODS, pod('a', { status: { phase: 'Running' } }));
  cluster.remove(PODS, 'shop/b');
  cluster.remove(PODS, 'shop/c');
  cluster.put(PODS, pod('c'));
}

const GONE = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version: 1 (1054)' };
const HTML = {
  status: 200,
  body: '<html><body>Please log in</body></html>\n',
  headers: { 'content-type': 'text/html' },
};
const TOO_LARGE = {
  status: 504,
  body: '{"kind":"Status","code":504,"message":"Too large resource version: 9, current: 5"}',
};

interface Scenario {
  readonly title: string;
  /** Breaks the watch, or plans a fault of the next one. */
  readonly cause: (server: FakeApiServer) => void;
  readonly lists: number;
  readonly timing?: object;
}

const SCENARIOS: readonly Scenario[] = [
  { title: 'an orderly end', cause: ({ watch }) => watch.end(), lists: 1 },
  { title: 'a reset connection', cause: ({ watch }) => watch.reset(), lists: 1 },
  {
    title: 'a reset in the middle of an event',
    cause({ watch, cluster }) {
      watch.cutNext();
      cluster.put(PODS, pod('half'));
    },
    lists: 1,
  },
  { title: 'a half-open connection', cause: ({ watch }) => watch.freeze(), lists: 1, timing: { idleMs: 40 } },
  { title: 'a line that is not JSON', cause: ({ watch }) => watch.raw('{"type":"ADDED","obj\n'), lists: 1 },
  { title: 'an event of an unknown type', cause: ({ watch }) => watch.raw('{"type":"OTHER","object":{}}\n'), lists: 1 },
  { title: 'an internal error in the stream', cause: ({ watch }) => watch.send('ERROR', { code: 500 }), lists: 1 },
  { title: 'a 410 in the stream', cause: ({ watch }) => watch.send('ERROR', GONE), lists: 2 },
  {
    title: 'the recorded 410 to a resumed watch',
    cause({ watch, cluster }) {
      watch.end();
      cluster.put(PODS, pod('forgotten'));
      cluster.compact();
    },
    lists: 2,
  },
  {
    title: 'a 410 as HTTP status',
    cause(server) {
      server.fail('watch', { status: 410, body: JSON.stringify(GONE) });
      server.watch.end();
    },
    lists: 2,
  },
  {
    title: 'five answers of 503',
    cause(server) {
      server.fail('watch', { status: 503, body: 'apiserver is shutting down' }, { times: 5 });
      server.watch.end();
    },
    lists: 1,
  },
  {
    title: "one page of a proxy's HTML",
    cause(server) {
      server.fail('watch', HTML);
      server.watch.end();
    },
    lists: 1,
  },
  {
    title: 'HTML again and again',
    cause(server) {
      server.fail('watch', HTML, { times: 2 });
      server.fail('list', HTML, { times: 3 });
      server.watch.end();
    },
    lists: 5,
  },
  {
    title: 'a watch refused with 400',
    cause(server) {
      server.fail('watch', { status: 400 });
      server.watch.end();
    },
    lists: 2,
  },
  {
    title: 'a version that the server has not reached',
    cause(server) {
      server.fail('watch', TOO_LARGE);
      server.watch.end();
    },
    lists: 2,
  },
  {
    title: 'a repeated event after its object was deleted',
    cause({ watch, cluster }) {
      const gone = cluster.put(PODS, pod('gone'));
      cluster.remove(PODS, 'shop/gone');
      watch.send('ADDED', gone);
    },
    lists: 2,
  },
  {
    title: 'a bookmark that goes back',
    cause: ({ watch }) => watch.send('BOOKMARK', { metadata: { resourceVersion: '900' } }),
    lists: 2,
  },
  {
    title: 'events in the wrong order',
    cause({ watch, cluster }) {
      const older = { ...pod('a'), metadata: { ...pod('a').metadata, resourceVersion: '900' } };
      cluster.put(PODS, pod('a'));
      watch.send('MODIFIED', older);
    },
    lists: 2,
  },
];

for (const { title, cause, lists, timing } of SCENARIOS) {
  test(
    `the objects are correct after ${title}, ${lists > 1 ? 'listed again' : 'resumed'}`,
    OPTIONS,
    async (context) => {
      const { server, follower } = await following(context, timing);
      follower.hold();
      cause(server);
      await eventually(() => follower.pauses.length > 0, 'the break');
      change(server);
      follower.release();
      await eventually(() => same(follower.objects, listed(server)), 'the same objects as in a list');
      server.cluster.put(PODS, pod('later'));
      await eventually(() => same(follower.objects, listed(server)), 'the change after it');
      assert.equal(server.count('list'), lists);
      assert.equal(follower.reflector.stats.objects, server.cluster.collection(PODS).size);
    },
  );
}

test('the recorded watch leads from the recorded list to the later state of the cluster', OPTIONS, async (context) => {
  const server = await startFakeApi(context);
  server.cluster.version = 0;
  server.cluster.load(PODS, JSON.parse(recorded('api/core_v1_pods.json')));
  const follower = new Follower(context, server);
  follower.reflector.start();
  await eventually(() => server.watches.size === 1, 'the watch');
  assert.equal(follower.objects.size, 14);
  server.watch.raw(recorded('watch/pods.jsonl'));
  const later = new Map<string, string>();
  for (const line of recorded('watch/pods.initial-events.jsonl').split('\n')) {
    const { type, object }: WatchEvent = JSON.parse(line);
    if (type === 'BOOKMARK') break;
    later.set(`${object.metadata?.namespace}/${object.metadata?.name}`, object.metadata?.resourceVersion ?? '');
  }
  await eventually(() => same(follower.objects, later), 'the later state');
  server.watch.end();
  await eventually(() => server.count('watch') === 2, 'the resumed watch');
  assert.equal(server.requests.at(-1)?.query.get('resourceVersion'), '1497');
});

test('a bookmark moves the version to resume from, and duplicates change nothing', OPTIONS, async (context) => {
  const { server, follower } = await following(context);
  server.cluster.put('/api/v1/secrets', pod('elsewhere'));
  server.watch.send('ADDED', server.cluster.collection(PODS).objects.get('shop/a') ?? {});
  server.bookmark();
  await eventually(() => follower.reflector.stats.events.duplicate === 1, 'the duplicate');
  assert.equal(follower.calls, 4);
  server.watch.end();
  await eventually(() => server.count('watch') === 2, 'the resumed watch');
  assert.equal(server.requests.at(-1)?.query.get('resourceVersion'), '1005');
});

test('with bookmarks a watch may outlast the idle timeout', OPTIONS, async (context) => {
  const { server, follower } = await following(context, { idleMs: 100_000, watchMs: 1_000_000, healthyMs: 0 });
  const asked = () => server.requests.at(-1)?.query.get('timeoutSeconds');
  assert.equal(asked(), '800', 'nothing is known yet');
  server.watch.end();
  await eventually(() => server.count('watch') === 2, 'the resumed watch');
  assert.equal(asked(), '72', 'none came in the last one');
  await eventually(() => server.watches.size === 1, 'the watch');
  server.bookmark();
  await eventually(() => follower.reflector.stats.lastEventMs !== undefined, 'the bookmark');
  server.watch.end();
  await eventually(() => server.count('watch') === 3, 'the one after it');
  assert.equal(asked(), '800');
  assert.equal(server.connections, 2, 'one for lists, one for all watches');
});

test(
  'after a restore from a backup every object is updated, also one with a version that was known before',
  OPTIONS,
  async (context) => {
    const { server, follower } = await following(context);
    server.watch.freeze();
    server.cluster.restore(PODS, 1000);
    server.cluster.put(PODS, pod('a', { status: { phase: 'Restored' } }));
    server.fail('watch', TOO_LARGE);
    assert.equal(server.cluster.version, Number(follower.objects.get('shop/a')));
    const taken: KubeObject[] = [];
    const { onUpsert } = follower;
    follower.onUpsert = (key, object) => {
      taken.push(object);
      onUpsert.call(follower, key, object);
    };
    server.watch.reset();
    await eventually(() => same(follower.objects, listed(server)), 'the same objects');
    assert.deepEqual(
      taken.map((object) => 'status' in object && object.status),
      [{ phase: 'Restored' }],
    );
    server.cluster.put(PODS, pod('a'));
    await eventually(() => same(follower.objects, listed(server)), 'the change after it');
  },
);

test('a list older than the known state is not trusted', OPTIONS, async (context) => {
  const { server, follower } = await following(context);
  server.watch.freeze();
  server.cluster.restore(PODS, 1000);
  server.cluster.put(PODS, pod('a'));
  server.fail('watch', { status: 410 });
  server.watch.reset();
  await eventually(
    () => follower.reflector.stats.listReasons.reordered === 1,
    'a list in which all objects are accepted',
  );
  await eventually(() => same(follower.objects, listed(server)), 'the same objects');
  assert.equal(follower.calls, 4 + 1 + 3);
});

test(
  'a long list is read in pages over two connections, and a repeated list only reports the differences',
  OPTIONS,
  async (context) => {
    const server = await startFakeApi(context);
    for (let index = 0; index < 1200; index++) server.cluster.put(PODS, pod(`p${index}`));
    server.failContinue({ status: 410, body: recorded('api/expired-continue.txt') });
    const follower = new Follower(context, server);
    follower.reflector.start();
    await eventually(() => server.watches.size === 1, 'the watch');
    assert.ok(same(follower.objects, listed(server)));
    assert.equal(follower.calls, 1200);
    const pages = server.requests.filter(({ kind }) => kind === 'list').map(({ query }) => query.get('limit'));
    assert.deepEqual(pages, ['500', '500', '500', '500', '500']);
    for (let round = 2; round < 6; round++) {
      server.watch.end();
      await eventually(() => server.watches.size === 1, 'the next watch');
    }
    assert.ok(server.connections <= 3, 'two for lists, one for the watch');
  },
);

test('a response that is not a list deletes nothing', OPTIONS, async (context) => {
  const { server, follower } = await following(context);
  server.fail('list', { status: 200, body: '{"kind":"Status","status":"Success"}' }, { times: 3 });
  server.watch.send('ERROR', GONE);
  await eventually(() => server.count('list') === 5 && server.watches.size === 1, 'a good list');
  assert.equal(follower.calls, 4);
});

test(
  'Retry-After is respected, other delays double up to 30 s and are reset after a healthy watch',
  OPTIONS,
  async (context) => {
    let now = 0;
    const { server, follower } = await following(context, { wallMs: () => now });
    server.fail('watch', 'reset', { times: 8 });
    server.fail('watch', { status: 429, headers: { 'retry-after': '77' } });
    const { watches } = follower.reflector.stats;
    server.watch.end();
    await eventually(() => watches.success === 2, 'the resumed watch');
    // Half of each delay is random.
    const doubled = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000].map((ms) => ms * 0.75);
    assert.deepEqual(follower.pauses, [...doubled, 77_000]);
    now = 60_000;
    server.watch.reset();
    await eventually(() => watches.success === 3, 'the resumed watch');
    assert.equal(follower.pauses.at(-1), 375);
    now = 120_000;
    server.watch.end();
    await eventually(() => watches.success === 4, 'the resumed watch');
    assert.equal(follower.pauses.length, 11, 'a clean end after a healthy minute needs no delay');
  },
);

for (const status of [401, 403]) {
  test(`${status} is logged once, retried, and resolved when the response changes`, OPTIONS, async (context) => {
    const server = await startFakeApi(context);
    server.cluster.put(PODS, pod('a'));
    server.fail('list', { status, body: recorded('api/pods-403.txt') }, { times: 20 });
    const follower = new Follower(context, server);
    follower.reflector.start();
    await eventually(() => server.count('list') > 5, 'some tries');
    assert.equal(follower.log.length, 1);
    assert.match(follower.log[0] ?? '', new RegExp(`${status} pods is forbidden`));
    assert.equal(follower.reflector.synced, false);
    assert.equal(follower.reflector.settled, status === 403);
    await eventually(() => server.watches.size === 1, 'the watch');
    await eventually(() => follower.log.length === 2, 'the second line');
    assert.match(follower.log[1] ?? '', /following these objects again/);
    assert.equal(follower.reflector.synced, true);
  });
}

test('a handler that throws loses only one object, until the next list', OPTIONS, async (context) => {
  const server = await startFakeApi(context);
  for (const name of ['a', 'b', 'c']) server.cluster.put(PODS, pod(name));
  const follower = new Follower(context, server);
  follower.onObject = (key) => {
    if (key === 'shop/b') throw new Error('cannot render');
  };
  follower.reflector.start();
  await eventually(() => server.watches.size === 1, 'the watch');
  server.cluster.put(PODS, pod('b'));
  server.cluster.put(PODS, pod('d'));
  await eventually(() => follower.objects.has('shop/d'), 'the event after the throw');
  assert.deepEqual([...follower.objects.keys()], ['shop/a', 'shop/c', 'shop/d']);
  assert.equal(follower.reflector.stats.handlerErrors, 2);
  assert.equal(follower.log.length, 1);
  follower.onObject = () => {};
  server.watch.send('ERROR', GONE);
  await eventually(() => same(follower.objects, listed(server)), 'all objects');
});

test('metadata only means that no content leaves the server', OPTIONS, async (context) => {
  const server = await startFakeApi(context);
  const path = '/api/v1/secrets';
  server.cluster.collection(path, 'Secret');
  server.cluster.put(path, pod('s', { data: { password: 'aHVudGVyMg==' } }));
  const follower = new Follower(context, server, { path, metadataOnly: true });
  const fields = new Set<string>();
  follower.onUpsert = (key, object) => {
    for (const field of Object.keys(object)) fields.add(field);
    follower.objects.set(key, object.metadata?.resourceVersion ?? '');
  };
  follower.reflector.start();
  await eventually(() => server.watches.size === 1, 'the watch');
  server.cluster.put(path, pod('t', { data: {} }));
  await eventually(() => same(follower.objects, listed(server, path)), 'both objects');
  assert.deepEqual([...fields].sort(), ['apiVersion', 'kind', 'metadata']);
});

const MOMENTS: readonly { title: string; reach: (server: FakeApiServer, follower: Follower) => Promise<void> }[] = [
  {
    title: 'before the first response',
    async reach(server) {
      server.fail('list', 'silence');
      await eventually(() => server.count('list') === 1, 'the list');
    },
  },
  {
    title: 'between two pages',
    async reach(server, follower) {
      server.failContinue('silence');
      await eventually(() => server.count('list') === 2, 'the second page');
      // Requested while the objects of the first one are processed.
      await eventually(() => follower.objects.size === 500, 'the first page');
    },
  },
  {
    title: 'in the middle of a page',
    async reach(_, follower) {
      let stopping: Promise<void> | undefined;
      follower.onObject = () => {
        if (follower.calls === 100) stopping = follower.reflector.stop();
      };
      await eventually(() => stopping !== undefined, 'the hundredth object');
      await stopping;
      assert.equal(follower.calls, 100);
    },
  },
  {
    title: 'before the response to the watch',
    async reach(server) {
      server.fail('watch', 'silence');
      await eventually(() => server.count('watch') === 1, 'the watch');
    },
  },
  {
    title: 'while it watches',
    async reach(server) {
      await eventually(() => server.watches.size === 1, 'the watch');
    },
  },
  {
    title: 'during a pause',
    async reach(server, follower) {
      follower.hold();
      server.fail('list', 'reset');
      await eventually(() => follower.pauses.length === 1, 'the pause');
    },
  },
];

for (const { title, reach } of MOMENTS) {
  test(`stopped ${title}, it sends and reports nothing more`, OPTIONS, async (context) => {
    const server = await startFakeApi(context);
    for (let index = 0; index < 600; index++) server.cluster.put(PODS, pod(`p${index}`));
    const follower = new Follower(context, server);
    follower.reflector.start();
    await reach(server, follower);
    await follower.reflector.stop();
    const { calls } = follower;
    // A request that was on its way arrives.
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    const requests = server.requests.length;
    follower.release();
    server.cluster.put(PODS, pod('late'));
    server.bookmark();
    await eventually(() => server.watches.size === 0, 'the watch to be closed');
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    assert.equal(server.requests.length, requests);
    assert.equal(follower.calls, calls);
    assert.deepEqual(follower.log, []);
  });
}

test('a hundred resumed watches leak no listeners and no connections', OPTIONS, async (context) => {
  const warnings: Error[] = [];
  const warned = (warning: Error) => warnings.push(warning);
  process.on('warning', warned);
  context.after(() => process.off('warning', warned));
  const { server } = await following(context);
  for (let round = 2; round <= 101; round++) {
    if (round % 2) server.watch.end();
    else server.watch.reset();
    await eventually(() => server.watches.size === 1, 'the next watch');
  }
  assert.deepEqual(warnings, []);
  assert.equal(server.connections, 52, 'a new one only after a reset');
});

const SECRET = { metadata: { namespace: 'shop', name: 'token', resourceVersion: '900' }, data: { token: 'aGlkZGVu' } };
const foreign = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;
const list = (kind: string, item: object) =>
  JSON.stringify({ kind, apiVersion: 'v1', metadata: { resourceVersion: '900' }, items: [item] });

const FOREIGN_EVENTS: Readonly<Record<string, string>> = {
  'another kind': foreign('ADDED', { kind: 'Secret', apiVersion: 'v1', ...SECRET }),
  'no kind': foreign('MODIFIED', SECRET),
  'a kind that is not text': foreign('ADDED', { kind: ['Pod'], ...SECRET }),
  'metadata instead of complete objects': foreign('ADDED', { kind: 'PartialObjectMetadata', ...SECRET }),
  'a bookmark of others': foreign('BOOKMARK', { kind: 'Secret', metadata: { resourceVersion: '900' } }),
};

for (const [what, line] of Object.entries(FOREIGN_EVENTS)) {
  test(`an event with ${what} is a fault, and the watch resumes before it`, OPTIONS, async (t) => {
    const { server, follower } = await following(t);
    server.watch.raw(line);
    await eventually(() => server.count('watch') === 2, 'a second watch');
    server.cluster.put(PODS, pod('after'));
    await eventually(() => same(follower.objects, listed(server)), 'what a list gives');
    assert.equal(follower.objects.has('shop/token'), false);
    assert.equal(follower.reflector.stats.events.malformed, 1);
    assert.doesNotMatch(follower.log.join(''), /aGlkZGVu/);
  });
}

const FOREIGN_LISTS: Readonly<Record<string, string>> = {
  'of another kind': list('SecretList', SECRET),
  'without a kind': JSON.stringify({ metadata: { resourceVersion: '900' }, items: [SECRET] }),
  'that contains its kind only at its end': JSON.stringify({
    metadata: { resourceVersion: '900' },
    items: [SECRET],
    kind: 'PodList',
  }),
  'with an object of another kind': list('PodList', { kind: 'Secret', ...SECRET }),
};

for (const [what, body] of Object.entries(FOREIGN_LISTS)) {
  test(`a list ${what} is a fault, and lists again`, OPTIONS, async (t) => {
    const server = await startFakeApi(t);
    server.cluster.put(PODS, pod('a'));
    server.fail('list', { status: 200, body });
    const follower = new Follower(t, server);
    follower.reflector.start();
    await eventually(() => follower.reflector.synced, 'the second list');
    assert.deepEqual([...follower.objects.keys()], ['shop/a']);
    assert.equal(follower.reflector.stats.lists.error, 1);
  });
}

test(
  'metadata is requested alone, and complete objects are accepted from servers that cannot omit contents',
  OPTIONS,
  async (t) => {
    const server = await startFakeApi(t);
    server.cluster.put(PODS, pod('a'));
    server.fail('list', { status: 200, body: list('PodList', pod('old', {})) });
    const follower = new Follower(t, server, { metadataOnly: true });
    follower.reflector.start();
    await eventually(() => follower.objects.has('shop/old'), 'the list of whole objects');
    server.cluster.put(PODS, pod('b'));
    await eventually(() => follower.objects.has('shop/b'), 'an event of metadata');
  },
);

for (const { name, kind } of resources) {
  test(`${name}: neither a list nor an event of another kind produces a series`, OPTIONS, async (t) => {
    const other = kind === 'Secret' ? 'ConfigMap' : 'Secret';
    const server = await startFakeApi(t);
    const path = `/api/v1/${name}`;
    server.cluster.collection(path, kind);
    server.fail('list', { status: 200, body: list(`${other}List`, SECRET) });
    const follower = new Follower(t, server, { path, kind });
    follower.reflector.start();
    await eventually(() => server.watches.size === 1, 'the first watch');
    server.watch.raw(foreign('ADDED', { kind: other, ...SECRET }));
    await eventually(() => server.count('watch') === 2, 'a second watch');
    assert.equal(follower.calls, 0);
  });
}
