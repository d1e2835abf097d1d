import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyMap } from '../../src/base/key-map.ts';
import { createLog } from '../../src/base/log.ts';
import { FailureLog } from '../../src/kube/failure-log.ts';
import { KnownObjects } from '../../src/kube/known-objects.ts';
import { ReflectorStats } from '../../src/kube/reflector-stats.ts';

const OBJECTS = 40;

/** Objects, each of whose deletions takes 1 ms. */
function objects() {
  const deleted: string[] = [];
  const handler = {
    onUpsert() {},
    onDelete(key: string) {
      deleted.push(key);
      const until = performance.now() + 1;
      while (performance.now() < until);
    },
  };
  const stats = new ReflectorStats();
  const known = new KnownObjects(handler, new FailureLog(createLog('error', { write() {} }), Date.now), stats);
  for (let index = 0; index < OBJECTS; index++) known.upsert('/pods', `shop/${index}`, index, {});
  return { known, stats, deleted };
}

test('the event loop turns while the objects of a collection that is gone are deleted', async () => {
  const { known, stats, deleted } = objects();
  let turns = 0;
  const count = () => {
    turns++;
    if (stats.objects > 0) setImmediate(count);
  };
  setImmediate(count);
  await known.deleteOthers('/pods', new KeyMap(), new AbortController().signal);
  assert.equal(deleted.length, OBJECTS);
  assert.ok(turns >= OBJECTS / 8, `${turns} turns`);
});

test('only objects that are missing from a list are deleted', async () => {
  const { known, deleted } = objects();
  const listed = new KeyMap<true>();
  for (let index = 1; index < OBJECTS; index++) listed.set(`shop/${index}`, true);
  await known.deleteOthers('/pods', listed, new AbortController().signal);
  assert.deepEqual(deleted, ['shop/0']);
  assert.equal(known.versionOf('shop/0'), undefined);
  assert.equal(known.versionOf('shop/1'), 1);
});

test('nothing is deleted after the end', async () => {
  const { known, deleted } = objects();
  const ending = new AbortController();
  const deleting = known.deleteOthers('/pods', new KeyMap(), ending.signal);
  ending.abort();
  await deleting;
  assert.ok(deleted.length < OBJECTS / 2, `${deleted.length} deleted`);
});
