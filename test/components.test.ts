import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Components } from '../src/agent/components.ts';

/** A component that records its calls. */
function recorder() {
  const said: string[] = [];
  const life = {
    start: (component: string) => void said.push(`start ${component}`),
    stop: async (component: string) => void said.push(`stop ${component}`),
  };
  return { said, life };
}

test('components start in the order of their creation, and stop in reverse', async () => {
  const { said, life } = recorder();
  const components = new Components();
  for (const name of ['a', 'b', 'c']) await components.take(name, {}, () => name, life);
  await components.start((name) => name !== 'b');
  await components.stop('b');
  await components.stop();
  assert.deepEqual(said, ['start a', 'start c', 'stop b', 'stop c', 'stop a']);
});

test('components with equal settings are taken over; the others are replaced', async () => {
  const { said, life } = recorder();
  const before = new Components();
  await before.take('same', { match: /a/, list: [1] }, () => 'same 1', life);
  await before.take('other', { list: [1] }, () => 'other 1', life);
  await before.take('gone', {}, () => 'gone 1', life);
  const after = new Components(before);
  assert.equal(await after.take('same', { match: /a/, list: [1] }, () => assert.fail('made again'), life), 'same 1');
  assert.equal(
    await after.take('other', { list: [2] }, (old) => `other 2 after ${old}`, life),
    'other 2 after other 1',
  );
  await after.take('new', {}, () => 'new 1', life);
  assert.deepEqual(after.changed, ['other', 'gone', 'new']);
  assert.equal(said.length, 0);
  await after.replace();
  assert.deepEqual([...said].sort(), ['start new 1', 'start other 2 after other 1', 'stop gone 1', 'stop other 1']);
  assert.ok(said.indexOf('stop other 1') < said.indexOf('start other 2 after other 1'));
});

test('a configuration that is refused leaves the previous components unchanged', async () => {
  const { said, life } = recorder();
  const before = new Components();
  await before.take('same', 1, () => 'same', life);
  await before.take('other', 1, () => 'other 1', life);
  const after = new Components(before);
  await after.take('same', 1, () => 'same', life);
  await after.take('other', 2, () => 'other 2', life);
  await assert.rejects(
    after.take('broken', 1, () => {
      throw new Error('no such file');
    }),
    /no such file/,
  );
  await after.discard();
  assert.deepEqual(said, ['stop other 2']);
});
