import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EntryQueue } from '../../src/logs/entry-queue.ts';
import type { EventFeed } from '../../src/logs/event/event-feed.ts';
import { eventSource } from '../../src/logs/event/event-source.ts';
import { Feed } from '../../src/logs/feed.ts';
import { snmpSource } from '../../src/logs/snmp/snmp-source.ts';
import type { TrapFeed } from '../../src/logs/snmp/trap-feed.ts';
import type { LogWorld } from '../../src/logs/world.ts';
import { scratchFolder } from '../kit/host-tree.ts';

/** The items that a feed delivers after `items` were published, and its count of dropped ones. */
function handedOver(feed: Feed<number>, receiver = 'store') {
  const taken: number[] = [];
  const dropped: number[] = [];
  const end = feed.subscribe(
    receiver,
    (item) => taken.push(item),
    (items) => dropped.push(items),
  );
  return { taken, dropped, end };
}

test('items are stored until they are taken, and counted as lost beyond 1,000', () => {
  const feed = new Feed<number>();
  for (let item = 0; item < 1500; item++) feed.publish(item);
  const first = handedOver(feed);
  assert.equal(first.taken.length, 1000);
  assert.deepEqual(first.dropped, [500]);
  first.end();
  const second = handedOver(feed);
  assert.deepEqual([second.taken, second.dropped], [[], []], 'the same ones once only');
  feed.publish(1);
  assert.deepEqual(second.taken, [1]);
});

test('each receiver gets the items from before its lane opened, and those beyond 1,000 are counted', () => {
  const feed = new Feed<number>();
  for (let item = 0; item < 3; item++) feed.publish(item);
  feed.expect(['store', 'archive']);
  const store = handedOver(feed);
  assert.deepEqual(store.taken, [0, 1, 2]);
  for (let item = 3; item < 1200; item++) feed.publish(item);
  assert.equal(store.taken.length, 1200);
  const archive = handedOver(feed, 'archive');
  assert.deepEqual([archive.taken.length, archive.taken.at(-1), archive.dropped], [1000, 999, [200]]);
  // While a lane reopens its source.
  archive.end();
  feed.publish(2000);
  assert.deepEqual([store.taken.at(-1), handedOver(feed, 'archive').taken], [2000, [2000]]);
  // A feed that is no longer configured stores nothing.
  feed.expect(['store']);
  feed.publish(3000);
  assert.deepEqual(handedOver(feed, 'archive').taken, []);
});

test('items within the limit are not counted, and those between two takers are stored again', () => {
  const feed = new Feed<number>();
  for (let item = 0; item < 1000; item++) feed.publish(item);
  const first = handedOver(feed);
  assert.deepEqual([first.taken.length, first.dropped], [1000, []]);
  first.end();
  for (let item = 0; item < 1001; item++) feed.publish(item);
  const second = handedOver(feed);
  assert.deepEqual([second.taken.length, second.dropped], [1000, [1]]);
});

const shared = { labels: {}, logs: { redact: [] } };

for (const [what, open] of [
  [
    'events',
    (folder: string, many: number) => {
      const events: EventFeed = new Feed();
      for (let index = 0; index < many; index++) events.publish([{ reason: 'BackOff' }, 1, 1_000_000]);
      return eventSource({ ...shared, events } as unknown as LogWorld).open(undefined, folder, 'store');
    },
  ],
  [
    'traps',
    (folder: string, many: number) => {
      const traps: TrapFeed = new Feed();
      const trap = { version: '2c', oid: '1.3', uptime: 1, agentAddress: undefined, varbinds: [] };
      for (let index = 0; index < many; index++) traps.publish([trap, '127.0.0.1', '', 1_000_000] as never);
      return snmpSource({ ...shared, traps } as unknown as LogWorld).open(undefined, folder, 'store');
    },
  ],
] as const) {
  test(`${what} that were not stored are counted as lost entries`, async (t) => {
    const source = await open(scratchFolder(t), 1234);
    assert.equal(source.lost.not_open, 234);
    await source.close();
  });
}

test('they are still counted after a restart', async (t) => {
  const folder = scratchFolder(t);
  const queue = await EntryQueue.open(folder, 'event', { position: '{"segment":0,"offset":0}', lost: { not_open: 5 } });
  queue.missed(2);
  assert.equal(queue.lost.not_open, 7);
  await queue.close();
});
