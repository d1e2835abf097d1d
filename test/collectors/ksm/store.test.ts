import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gunzipSync } from 'node:zlib';
import { packingOf } from '../../../src/collectors/ksm/store/packing.ts';
import { ObjectStore, type StoreText } from '../../../src/collectors/ksm/store/store.ts';
import { TextArena } from '../../../src/collectors/ksm/store/text-arena.ts';
import { TEXT_BLOCK_BYTES } from '../../../src/collectors/ksm/store/text-block.ts';
import { gauge } from '../../../src/metrics/family.ts';
import { contiguous } from '../../../src/net/contiguous.ts';
import { randomFrom } from '../../kit/random.ts';

const FAMILIES = [
  gauge('kube_pod_info', 'Information.'),
  gauge('kube_pod_status_phase', 'Phase.'),
  gauge('kube_pod_created', 'Created.'),
];

const newStore = () => new ObjectStore(FAMILIES, packingOf('gzip'), new TextArena());

/** Text of an object: `lines` sample lines of alternating families, not all of them ASCII. */
const textOf = (key: string, version: number, lines: number): string =>
  Array.from({ length: lines }, (_, index) => {
    const family = FAMILIES[index % FAMILIES.length]?.name;
    return `${family}{namespace="größe",pod="${key}",row="${index}"} ${version}\n`;
  }).join('');

const textIn = ({ members }: StoreText): string =>
  members.length === 0 ? '' : gunzipSync(Buffer.concat(members)).toString();

/** The sample lines of a text, sorted. */
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .sort();

/** Compares a store with its expected contents, and checks its invariants. */
async function check(store: ObjectStore, model: ReadonlyMap<string, string>): Promise<void> {
  const whole = await store.text();
  const text = textIn(whole);
  const expected = linesOf([...model.values()].join(''));
  assert.deepEqual(linesOf(text), expected);
  assert.equal(whole.samples, expected.length);
  assert.equal(whole.textBytes, Buffer.byteLength(text));
  assert.equal(store.size, model.size);
  const { blocks, textBytes, pendingBytes } = store.sizes;
  assert.equal(pendingBytes, 0);
  for (const { family, series } of store.families()) {
    let lines = '';
    for await (const piece of store.lines(family.name)) lines += piece;
    const own = expected.filter((line) => line.startsWith(`${family.name}{`) || line.startsWith(`${family.name} `));
    assert.deepEqual(linesOf(lines), own);
    assert.equal(series, own.length);
  }
  assert.ok(blocks <= 1 + (2 * textBytes) / TEXT_BLOCK_BYTES, `${blocks} blocks for ${textBytes} bytes`);
}

for (const seed of ['one', 'two', 'three']) {
  test(`after any changes (seed ${seed}) the text is that of the objects`, { timeout: 120_000 }, async () => {
    const random = randomFrom(seed);
    const store = newStore();
    const model = new Map<string, string>();
    for (let round = 0; round < 25; round++) {
      // Some rounds mostly add, some mostly delete, so that blocks split, merge and vanish.
      const adding = random.below(100) / 100;
      for (let steps = random.below(300); steps > 0; steps--) {
        const key = `shop/p${random.below(400)}`;
        if (random.chance(adding)) {
          const text = textOf(key, random.below(3), random.chance(0.02) ? 2000 : random.pick([5, 5, 5, 20, 60]));
          store.set(key, text);
          model.set(key, text);
        } else {
          store.delete(key);
          model.delete(key);
        }
      }
      // While nothing changes, members may move, but those that are being sent keep their bytes.
      const sending = await store.text();
      const sent = textIn(sending);
      for (let payloads = random.below(25); payloads > 0; payloads--) await store.text();
      await check(store, model);
      assert.equal(textIn(sending), sent);
    }
    for (const key of model.keys()) store.delete(key);
    await check(store, new Map());
    assert.equal(store.sizes.blocks, 0);
  });
}

test('header lines come first and only for metrics that have series', async () => {
  const store = newStore();
  assert.deepEqual(await store.text(), { members: [], textBytes: 0, samples: 0 });
  store.set('a', 'kube_pod_info{pod="a"} 1\nkube_pod_created{pod="a"} 5\n');
  const header =
    '# HELP kube_pod_created Created.\n# TYPE kube_pod_created gauge\n# HELP kube_pod_info Information.\n# TYPE kube_pod_info gauge\n';
  assert.equal(textIn(await store.text()), `${header}kube_pod_info{pod="a"} 1\nkube_pod_created{pod="a"} 5\n`);
  store.set('a', 'kube_pod_info{pod="a"} 1\n');
  const less = '# HELP kube_pod_info Information.\n# TYPE kube_pod_info gauge\n';
  assert.equal(textIn(await store.text()), `${less}kube_pod_info{pod="a"} 1\n`);
});

test('members of unchanged blocks are reused, also after a change without effect', async () => {
  const store = newStore();
  for (let index = 0; index < 200; index++) store.set(`p${index}`, textOf(`p${index}`, 0, 60));
  const before = await store.text();
  for (let index = 0; index < 200; index++) store.set(`p${index}`, textOf(`p${index}`, 0, 60));
  assert.equal(store.sizes.pendingBytes, 0);
  store.set('p50', textOf('p50', 1, 60));
  const after = await store.text();
  const fresh = after.members.filter((member) => !before.members.includes(member));
  assert.ok(before.members.length > 5);
  assert.equal(fresh.length, 1);
});

test('regrouped, each metric appears once and contiguously', async () => {
  const store = newStore();
  const model = new Map<string, string>();
  for (let index = 0; index < 100; index++) {
    const text = textOf(`p${index}`, index, 30);
    store.set(`p${index}`, text);
    model.set(`p${index}`, text);
  }
  const pieces: Buffer[] = [];
  for await (const piece of store.byFamily()) pieces.push(piece);
  const text = Buffer.concat(pieces).toString();
  assert.deepEqual(linesOf(text), linesOf([...model.values()].join('')));
  const names = text.split('\n').map((line) => /^(?:# \w+ )?(\w+)/.exec(line)?.[1]);
  const runs = names.filter((name, index) => name !== undefined && name !== names[index - 1]);
  assert.deepEqual(runs, ['kube_pod_created', 'kube_pod_info', 'kube_pod_status_phase']);
});

/** Text that compresses badly, as if of many objects. */
const noiseOf = (key: string, version: number): string =>
  Array.from({ length: 40 }, (_, row) => {
    const hash = createHash('sha256').update(`${key} ${version} ${row}`).digest('hex');
    return `kube_pod_info{pod="${key}",uid="${hash}"} ${version}\n`;
  }).join('');

/** The text after `count` payloads. */
async function payloads(store: ObjectStore, count: number): Promise<StoreText> {
  for (let payload = 1; payload < count; payload++) await store.text();
  return store.text();
}

test('members that stay unchanged are moved next to each other, so that few buffers are written', async () => {
  const store = newStore();
  for (let index = 0; index < 1500; index++) store.set(`p${index}`, noiseOf(`p${index}`, 0));
  const fresh = await store.text();
  assert.ok(fresh.members.length > 50);
  assert.equal(contiguous(fresh.members).length, fresh.members.length);
  const settled = await payloads(store, 25);
  assert.equal(settled.members.length, fresh.members.length);
  assert.ok(contiguous(settled.members).length <= 1 + Math.ceil(store.sizes.memberBytes / (112 * 1024)));
  assert.equal(await store.text(), settled);
  assert.deepEqual(linesOf(textIn(settled)), linesOf(textIn(fresh)));
});

test('the unused memory that changed members leave next to their neighbours is at most as much as the used', async () => {
  const store = newStore();
  for (let index = 0; index < 1500; index++) store.set(`p${index}`, noiseOf(`p${index}`, 0));
  await payloads(store, 25);
  for (let version = 1; version < 40; version++) {
    for (let index = version; index < 1500; index += 97) store.set(`p${index}`, noiseOf(`p${index}`, version));
    const { members } = await store.text();
    const memories = new Set(members.map(({ buffer }) => buffer));
    const bytes = [...memories].reduce((sum, { byteLength }) => sum + byteLength, 0);
    const used = members.reduce((sum, { length }) => sum + length, 0);
    assert.ok(bytes <= 2 * used, `${bytes} bytes for ${used}`);
  }
});

test('objects that are added, changed and deleted leave nothing, even if the text is never read', async () => {
  const store = newStore();
  const text = textOf('x', 0, 60);
  const model = new Map<string, string>();
  for (let index = 0; index < 20_000; index++) {
    store.set(`p${index}`, text);
    model.set(`p${index}`, text);
    if (index < 50) continue;
    store.delete(`p${index - 50}`);
    model.delete(`p${index - 50}`);
  }
  assert.ok(store.sizes.textBytes + store.sizes.pendingBytes < 8 * 1024 * 1024);
  await check(store, model);
  for (let index = 0; index < 200; index++) {
    store.set(`q${index % 100}`, textOf('x', index, 1000));
    assert.ok(store.sizes.pendingBytes < 5 * 1024 * 1024);
  }
});

test('a store that changes while its text is built never shows a partial state', async () => {
  const store = newStore();
  const names = Array.from({ length: 300 }, (_, index) => `p${index}`);
  for (const name of names) store.set(name, textOf(name, 0, 60));
  await store.text();
  for (const name of names) store.set(name, textOf(name, 1, 60));
  const making = store.text();
  let turns = 0;
  const disturb = () => {
    for (let index = 0; index < 30; index++) {
      const name = `p${(turns * 7 + index) % 300}`;
      store.set(name, textOf(name, 2 + turns, 3));
    }
    if (turns++ < 50) setImmediate(disturb);
  };
  disturb();
  const lines = linesOf(textIn(await making));
  const objects = new Map<string, Set<string>>();
  for (const line of lines) {
    const pod = /pod="(\w+)"/.exec(line)?.[1] ?? '';
    const versions = objects.get(pod) ?? new Set();
    objects.set(pod, versions.add(line.split(' ').at(-1) ?? ''));
  }
  assert.ok([...objects.values()].every((versions) => versions.size === 1));
});

test('an object takes less than 300 bytes in addition to its compressed text', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const heap = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const store = newStore();
  const count = 20_000;
  const before = heap();
  for (let index = 0; index < count; index++)
    store.set(`shop-${index % 50}/web-67b7ddc566-${index}`, textOf('p', index, 10));
  await store.text();
  const each = (heap() - before) / count;
  assert.ok(each < 300, `${each} bytes an object`);
  assert.equal(store.size, count);
});

for (const compression of ['gzip', 'zstd'] as const) {
  test(`memory that ${compression} decompresses for a rebuild is released immediately, because collections come late`, async () => {
    const packing = packingOf(compression);
    const unpacked: Buffer[] = [];
    const unpack = (packed: Buffer, textBytes: number) => {
      const text = packing.unpack(packed, textBytes);
      unpacked.push(text);
      return text;
    };
    const store = new ObjectStore(FAMILIES, { ...packing, unpack }, new TextArena());
    for (let object = 0; object < 40; object++) store.set(`pod-${object}`, textOf(`pod-${object}`, 1, 100));
    await store.text();
    store.set('pod-3', textOf('pod-3', 2, 100));
    const { samples } = await store.text();
    assert.equal(samples, 4000);
    assert.ok(unpacked.length > 0);
    assert.deepEqual(new Set(unpacked.map(({ length }) => length)), new Set([0]));
  });
}
