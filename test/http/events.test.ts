import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type EventOptions, EventStream } from '../../src/http/events.ts';
import { startHttp } from '../../src/http/server.ts';

/** A served stream of the value of `state.value`. */
async function streaming(t: TestContext, options: EventOptions = {}) {
  const state = { value: 'first', made: 0 };
  const data = () => {
    state.made++;
    return { value: state.value };
  };
  const stream = new EventStream('status', data, { gapMs: 100, ...options });
  const server = await startHttp('127.0.0.1:0', { '/v1/events': stream.endpoint }, () => undefined);
  t.after(() => server.close());
  return { state, stream, url: `${server.url}/v1/events` };
}

/** A client that records everything that it receives. */
async function listen(t: TestContext, url: string) {
  const gone = new AbortController();
  const response = await fetch(url, { signal: gone.signal });
  t.after(() => gone.abort());
  const heard = { text: '' };
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) heard.text += decoder.decode(chunk as Uint8Array);
  })().catch(() => undefined);
  return {
    response,
    leave: () => gone.abort(),
    ended: reading,
    text: () => heard.text,
    values: () =>
      [...heard.text.matchAll(/^event: status\ndata: (.*)$/gm)].map((match) => JSON.parse(match[1] ?? '').value),
    async until(so: (text: string) => boolean) {
      const deadline = AbortSignal.timeout(60_000);
      while (!so(heard.text)) {
        if (deadline.aborted) throw new Error(`heard only ${heard.text.slice(-500)}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };
}

const eventually = async (so: () => boolean, what: string) => {
  const deadline = AbortSignal.timeout(60_000);
  while (!so()) {
    assert.ok(!deadline.aborted, what);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

test('a client gets the state immediately and each change after it', async (t) => {
  const { state, stream, url } = await streaming(t);
  const client = await listen(t, url);
  assert.equal(client.response.headers.get('content-type'), 'text/event-stream');
  assert.equal(client.response.headers.get('content-encoding'), null);
  await client.until((text) => text.includes('first'));
  state.value = 'second';
  stream.publish();
  await client.until((text) => text.includes('second'));
  assert.deepEqual(client.values(), ['first', 'second']);
  assert.match(client.text(), /^retry: \d+\n\n/);
});

test('many changes cause few events, the last of which has the newest state; it is created once for all', async (t) => {
  const { state, stream, url } = await streaming(t);
  const clients = await Promise.all([listen(t, url), listen(t, url), listen(t, url)]);
  await Promise.all(clients.map((client) => client.until((text) => text.includes('first'))));
  const before = state.made;
  for (let change = 0; change < 100; change++) {
    state.value = `change ${change}`;
    stream.publish();
  }
  await Promise.all(clients.map((client) => client.until((text) => text.includes('change 99'))));
  for (const client of clients) assert.ok(client.values().length <= 3, client.values().join());
  assert.ok(state.made - before <= 2, `made ${state.made - before} times`);
});

test('while nothing changes there are heartbeats', async (t) => {
  const { url } = await streaming(t, { heartbeatMs: 20 });
  const client = await listen(t, url);
  await client.until((text) => text.split(': alive\n\n').length > 3);
  assert.deepEqual(client.values(), ['first']);
});

test('a client beyond the limit is asked to retry; its place is free as soon as another disconnects', async (t) => {
  const { state, stream, url } = await streaming(t, { most: 2 });
  const [first] = [await listen(t, url), await listen(t, url)];
  const refused = await fetch(url);
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '5']);
  assert.equal(stream.clients, 2);
  first.leave();
  await eventually(() => stream.clients === 1, 'a client that left is still counted');
  state.value = 'for the third';
  const third = await listen(t, url);
  assert.equal(third.response.status, 200);
  await third.until((text) => text.includes('for the third'));
});

test('HEAD does not subscribe', async (t) => {
  const { stream, url } = await streaming(t);
  assert.equal((await fetch(url, { method: 'HEAD' })).status, 200);
  assert.equal(stream.clients, 0);
});

test('a client that does not read causes one event, not a queue, and delays no others', async (t) => {
  const { state, stream, url } = await streaming(t, { gapMs: 1 });
  const { hostname, port } = new URL(url);
  const stuck: Socket = connect(Number(port), hostname);
  t.after(() => stuck.destroy());
  await once(stuck, 'connect');
  stuck.write('GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n');
  stuck.pause();
  await eventually(() => stream.clients === 1, 'the stuck client is not served');
  const reader = await listen(t, url);
  const big = 'x'.repeat(500_000);
  for (let round = 0; round < 50; round++) {
    state.value = `${round}${big}`;
    stream.publish();
    await reader.until((text) => text.includes(`"value":"${round}x`) && text.endsWith('\n\n'));
  }
  assert.equal(reader.values().length, 51);
  // When it finally reads, it gets the contents of socket buffers, and the newest state.
  let late = '';
  stuck.on('data', (chunk) => {
    late += chunk;
  });
  stuck.resume();
  await eventually(() => late.includes('"value":"49x'), 'the newest event never arrived');
  const count = late.split('event: status').length - 1;
  assert.ok(count < 40, `${count} events had been queued`);
});
