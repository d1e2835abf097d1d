import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEvents } from '../../../src/http/page/event-stream.js';

/** The events of `text`, split into chunks of `size` bytes. */
async function eventsOf(text: string, size: number) {
  const bytes = new TextEncoder().encode(text);
  const chunks = async function* () {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  };
  const events = [];
  for await (const event of readEvents(chunks())) events.push(event);
  return events;
}

test('events are complete however the network splits them, even within a character', async () => {
  const text = 'retry: 5000\n\nevent: status\ndata: {"a":"ü"}\n\n: alive\n\ndata: one\ndata: two\n\nevent: cut';
  for (const size of [1, 2, 3, 7, 1000]) {
    assert.deepEqual(await eventsOf(text, size), [
      { event: '', data: '' },
      { event: 'status', data: '{"a":"ü"}' },
      { event: '', data: '' },
      { event: 'message', data: 'one\ntwo' },
    ]);
  }
});

test('an endless event is aborted', async () => {
  await assert.rejects(eventsOf(`data: ${'x'.repeat(17 * 1024 * 1024)}`, 1024 * 1024), /without an end/);
});
