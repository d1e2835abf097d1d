import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { crc32, gzipSync, zstdCompressSync } from 'node:zlib';
import { snappyLiterals, staleMarkers } from '../../src/exporters/delivery/stale-marker-body.ts';
import { unpackSnappy } from '../../src/receiver/remote-write.ts';
import { startReceiver } from '../../src/receiver/server.ts';
import { batchAt, exporterTo, SENT } from '../kit/exporter.ts';
import { rawConnection } from '../kit/raw-http.ts';
import { until } from '../kit/until.ts';
import { BEFORE, type Case, groupBodies, groupPaths, imports } from './cases.ts';
import { type Answer, NOW, open, receiver, send, seriesOf } from './client.ts';

const IMPORT = '/api/v1/import/prometheus';
const GROUP = '/metrics/job/j/instance/i';
const KEY = { job: 'j', instance: 'i' };
const GZIP = { 'content-encoding': 'gzip' };

const table = [
  ...groupPaths.map((one) => ({ ...one, area: 'group path', method: one.method ?? 'PUT' })),
  ...groupBodies.map((one) => ({ ...one, area: 'group body', method: one.method ?? 'PUT' })),
  ...imports.map((one) => ({ ...one, area: 'import', method: one.method ?? 'POST' })),
] satisfies (Case & { area: string })[];

test('every request of the table gets the response of the real server', async (t) => {
  for (const { area, name, status, text, ...request } of table) {
    await t.test(`${area}: ${name}: ${status}`, async (inner) => {
      const { url } = await receiver(inner);
      await send(url, { method: 'PUT', path: '/metrics/job/before', body: BEFORE });
      const answer = await send(url, request);
      assert.equal(answer.status, status, answer.text);
      if (text) assert.match(answer.text, text);
    });
  }
});

test('a redirect shows the group that a client would reach', async (t) => {
  const { url } = await receiver(t);
  const { location } = await send(url, { method: 'PUT', path: '/metrics/job/x/a//b/c' });
  assert.equal(location, '/metrics/job/x/a/b/c');
});

test('PUT replaces the group, POST the families of the same name, DELETE removes exactly this group', async (t) => {
  const { url, store } = await receiver(t);
  await send(url, { method: 'PUT', path: '/metrics/job/j', body: 'other 1\n' });
  await send(url, { method: 'PUT', path: GROUP, body: 'a{x="1"} 1\na{x="2"} 2\nb 3\n' });
  await send(url, { method: 'POST', path: GROUP, body: 'a{x="2"} 4\n' });
  assert.deepEqual(seriesOf(store, 'pushgateway', KEY), [
    'a{instance="i",job="j",x="2"} 4',
    'b{instance="i",job="j"} 3',
  ]);
  await send(url, { method: 'PUT', path: GROUP, body: 'c 5\n' });
  assert.deepEqual(seriesOf(store, 'pushgateway', KEY), ['c{instance="i",job="j"} 5']);
  await send(url, { method: 'DELETE', path: GROUP });
  assert.deepEqual(seriesOf(store, 'pushgateway', KEY), []);
  assert.equal(seriesOf(store, 'pushgateway', { job: 'j' }).length, 1);
});

test('a rejected push leaves the group unchanged, and its families keep their type', async (t) => {
  const { url, store } = await receiver(t);
  await send(url, { method: 'PUT', path: GROUP, body: '# TYPE a gauge\na 1\n' });
  assert.equal((await send(url, { method: 'PUT', path: GROUP, body: 'a 2\na 3\n' })).status, 400);
  assert.deepEqual(seriesOf(store, 'pushgateway', KEY), ['a{instance="i",job="j"} 1']);
  assert.equal(store.totals.refused, 1);
  assert.match(store.troubles[0]?.message ?? '', /^400 to PUT \/metrics\/job\/j\/instance\/i: line 2: series a/);
  assert.equal((await send(url, { method: 'PUT', path: GROUP, body: 'a 2\n' })).status, 200);
});

test('one series cannot be in two groups', async (t) => {
  const { url } = await receiver(t);
  await send(url, { method: 'PUT', path: '/metrics/job/j', body: 'a{instance="i"} 1\n' });
  const answer = await send(url, { method: 'PUT', path: GROUP, body: 'a 1\n' });
  assert.equal(answer.status, 400);
  assert.match(answer.text, /series a\{instance="i",job="j"\} is already in group \{job="j"\}/);
});

test('import stores the valid lines, counts the bad ones, and reports which', async (t) => {
  const { url, store } = await receiver(t);
  const body = 'a 1\nb{ 2\n\n# TYPE c counter\nc x\nd 4';
  assert.equal((await send(url, { path: `${IMPORT}/metrics/job/j/instance/i`, body })).status, 200);
  assert.deepEqual(seriesOf(store, 'vm', KEY), ['a{instance="i",job="j"} 1', 'd{instance="i",job="j"} 4']);
  assert.equal(store.totals.invalidLines, 2);
  assert.match(store.troubles[0]?.message ?? '', /^line 2: .* \(and 1 more\)$/);
});

test('labels of the URL override those of the text; an empty label is absent', async (t) => {
  const { url, store } = await receiver(t);
  const body = 'a{job="old",instance="i",cluster="old",e=""} 1\n';
  await send(url, { path: `${IMPORT}/metrics/job@base64/ag?extra_label=cluster=a=b&extra_label=e=f`, body });
  assert.deepEqual(seriesOf(store, 'vm', KEY), ['a{cluster="a=b",e="f",instance="i",job="j"} 1']);
});

test('times: of the sample, of the URL, or now; seconds up to 31 bits', async (t) => {
  const { url, store } = await receiver(t);
  const body = `own ${1} ${NOW - 5000}\nseconds 1 ${NOW / 1000 - 7}\nzero 1 0\nurl 1\n`;
  await send(url, { path: `${IMPORT}?timestamp=${NOW - 9000}`, body });
  await send(url, { path: IMPORT, body: 'now 1\n' });
  const target = store.find('vm', new Map(Object.entries({ job: '', instance: '' })));
  const ages = [...(target?.families ?? [])].map(([name, { series }]) => [name, NOW - (series.get(name)?.timeMs ?? 0)]);
  assert.deepEqual(Object.fromEntries(ages), { own: 5000, seconds: 7000, zero: 9000, url: 9000, now: 0 });
});

test('samples that a real server would silently drop are counted, with the reason', async (t) => {
  const many = Array.from({ length: 41 }, (_, index) => `l${index}="1"`).join(',');
  const lost: [path: string, body: string, reason: RegExp][] = [
    [`${IMPORT}?timestamp=${NOW / 1000}`, 'a 1\n', /line 1: a: its time \d+ ms \(1970-.*is timestamp= in seconds\?/],
    [`${IMPORT}?timestamp=${NOW + 3 * 86_400_000}`, 'a 1\n', /out of range$/],
    [IMPORT, 'a NaN\n', /NaN is not stored/],
    [IMPORT, `a{${many}} 1\n`, /42 labels, over 40/],
    [IMPORT, `a{x="${'é'.repeat(2049)}"} 1\n`, /value of label x is over 4096 bytes/],
    [IMPORT, `a{${'x'.repeat(257)}="1"} 1\n`, /is over 256 bytes/],
  ];
  for (const [path, body, reason] of lost) {
    const { url, store } = await receiver(t);
    assert.equal((await send(url, { path, body })).status, 204);
    assert.deepEqual([store.totals.ignoredSamples, store.seriesCount], [1, 0]);
    assert.match(store.troubles[0]?.message ?? '', reason);
  }
});

test('quantiles of a summary without observations are not a problem', async (t) => {
  const { url, store } = await receiver(t);
  const body = '# TYPE a summary\na{quantile="0.5"} NaN\na{quantile="0.9"} NaN\na_sum 0\na_count 0\n';
  assert.equal((await send(url, { path: IMPORT, body })).status, 204);
  assert.deepEqual([store.totals.ignoredSamples, store.seriesCount, store.troubles], [0, 2, []]);
});

test('gzip with one and with several members', async (t) => {
  const { url, store } = await receiver(t);
  const body = Buffer.concat([gzipSync('a 1\nb'), gzipSync(' 2\n')]);
  assert.equal((await send(url, { method: 'PUT', path: GROUP, body, headers: GZIP })).status, 200);
  assert.equal((await send(url, { path: IMPORT, body, headers: GZIP })).status, 204);
  assert.deepEqual(seriesOf(store, 'pushgateway', KEY), ['a{instance="i",job="j"} 1', 'b{instance="i",job="j"} 2']);
  assert.deepEqual([store.totals.wireBytes, store.totals.textBytes], [2 * body.length, 16]);
});

test('bodies that do not match their encoding are rejected completely', async (t) => {
  const { url, store } = await receiver(t);
  const good = gzipSync('a 1\n'.repeat(1000));
  const packed = zstdCompressSync('a 1\n'.repeat(1000));
  const badSum = Buffer.from(good);
  badSum.writeUInt32LE(crc32('something else'), badSum.length - 8);
  const refused: [headers: Record<string, string>, body: Buffer, text: RegExp][] = [
    [GZIP, Buffer.from('a 1\n'), /not valid gzip \(incorrect header check\)/],
    [GZIP, good.subarray(0, good.length - 12), /not valid gzip \(unexpected end of file\)/],
    [GZIP, badSum, /not valid gzip \(incorrect data check\)/],
    [GZIP, Buffer.concat([good, Buffer.from('garbage')]), /not valid gzip/],
    [GZIP, Buffer.concat([good, Buffer.alloc(5)]), /bytes after the last gzip member/],
    [{ 'content-encoding': 'zstd' }, good, /not valid zstd/],
    [{ 'content-encoding': 'zstd' }, packed.subarray(0, packed.length - 2), /not valid zstd/],
    [{ 'content-encoding': 'zstd' }, Buffer.concat([packed, Buffer.from('x')]), /bytes after the last zstd member/],
    [{ 'content-encoding': 'br' }, good, /Content-Encoding "br": only gzip and zstd/],
    [{ 'content-encoding': 'GZIP' }, good, /Content-Encoding "GZIP"/],
  ];
  for (const [headers, body, text] of refused) {
    const answer = await send(url, { path: IMPORT, body, headers });
    assert.equal(answer.status, 400);
    assert.match(answer.text, text);
  }
  assert.equal(store.totals.samples, 0);
  const upper = { method: 'PUT', path: GROUP, body: gzipSync('a 1\n'), headers: { 'content-encoding': 'GZIP' } };
  assert.equal((await send(url, upper)).status, 200);
});

test('a body over the limit is rejected, compressed or not, and the next one is served', async (t) => {
  const { url, store } = await receiver(t, { bodyBytes: 100_000 });
  const text = Buffer.alloc(10_000_000, 'a 1\n');
  for (const [body, headers] of [
    [text, {}],
    [gzipSync(text), GZIP],
  ] as const) {
    const answer = await send(url, { path: IMPORT, body, headers });
    assert.equal(answer.status, 413);
    assert.match(answer.text, /larger than 100000 bytes/);
  }
  assert.equal(store.totals.samples, 0);
  assert.equal((await send(url, { path: IMPORT })).status, 204);
});

test('uploads that together exceed the budget are asked to retry', async (t) => {
  const { url } = await receiver(t, { uploadBytes: 1000 });
  const held = new Promise<Answer>((resolve, reject) => {
    const first = open(url, 'POST', IMPORT, { 'content-length': '902' }, resolve, reject);
    first.write(' '.repeat(900), async () => {
      // The second is refused as soon as the first one's bytes have arrived.
      let status = 204;
      while (status === 204) ({ status } = await send(url, { path: IMPORT, body: ' '.repeat(500) }));
      assert.equal(status, 503);
      first.end(' \n');
    });
  });
  assert.equal((await held).status, 204);
  assert.equal((await send(url, { path: IMPORT, body: ' '.repeat(999) })).status, 204);
});

test('a client that stops in the middle of its body or headers is disconnected', { timeout: 120_000 }, async (t) => {
  const { url, store } = await receiver(t, { headersTimeoutMs: 100, requestTimeoutMs: 200 });
  const slow = await new Promise<Answer>((resolve, reject) => {
    open(url, 'POST', IMPORT, { 'content-length': '100' }, resolve, reject).write('a 1\n');
  });
  assert.equal(slow.status, 408);
  assert.match(await talk(url, 'POST /api/v1/import'), /^HTTP\/1.1 408/);
  assert.equal(store.totals.samples, 0);
});

test('a body truncated by the client is discarded', async (t) => {
  const { url, store } = await receiver(t);
  await new Promise<void>((resolve) => {
    const sent = open(
      url,
      'POST',
      IMPORT,
      { 'content-length': '100' },
      () => {},
      () => resolve(),
    );
    sent.write('a 1\nb 2\n', () => sent.destroy(new Error('cut')));
  });
  await until(() => store.troubles.length > 0);
  assert.match(store.troubles[0]?.message ?? '', /the body was cut off after \d+ bytes/);
  assert.equal(store.totals.samples, 0);
});

test('bytes that are not HTTP get 400', async (t) => {
  const { url } = await receiver(t);
  assert.match(await talk(url, '\x16\x03\x01 nonsense\r\n\r\n'), /^HTTP\/1.1 400/);
});

test('GET / shows the summary', async (t) => {
  const { url } = await receiver(t);
  await send(url, { path: `${IMPORT}/metrics/job/j/instance/i` });
  const { status, text } = await send(url, { method: 'GET', path: '/', body: '' });
  assert.equal(status, 200);
  assert.match(text, /^j\/i +import +1 /m);
});

test('on a loopback address only this host’s names are accepted', async (t) => {
  const { url, store } = await receiver(t);
  const ask = (method: string, path: string, host: string, to = url) =>
    send(to, { method, path, headers: { host }, ...(method === 'GET' && { body: '' }) });
  const { port } = new URL(url);
  for (const host of ['localhost', `LocalHost:${port}`, `127.0.0.1:${port}`, '[::1]']) {
    assert.equal((await ask('GET', '/', host)).status, 200, host);
    assert.equal((await ask('PUT', GROUP, host)).status, 200, host);
  }
  const { requests } = store.totals;
  for (const host of ['evil.example', `127.0.0.1.evil.example:${port}`, '10.0.0.1']) {
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', '/metrics'],
      ['POST', IMPORT],
      ['DELETE', GROUP],
    ] as const) {
      const { status, text } = await ask(method, path, host);
      assert.equal(status, 421, `${method} ${path} of ${host}`);
      assert.equal(
        text,
        'this server listens on a loopback address and accepts only requests for localhost and its address\n',
      );
    }
  }
  assert.equal(store.totals.requests, requests);
  assert.deepEqual(seriesOf(store, 'pushgateway', KEY), ['a_b{instance="i",job="j"} 1']);
  const everywhere = await startReceiver({ host: '0.0.0.0', port: 0, now: Date.now });
  t.after(() => everywhere.close());
  const other = `http://127.0.0.1:${new URL(everywhere.url).port}`;
  assert.equal((await ask('GET', '/', 'receiver.example', other)).status, 200);
});

test('a port in use is an error; the signal closes the receiver and aborts pending requests', async (t) => {
  const { url } = await receiver(t);
  const port = Number(new URL(url).port);
  const abort = new AbortController();
  const options = { host: '127.0.0.1', now: Date.now, signal: abort.signal };
  await assert.rejects(startReceiver({ ...options, port }), /^Error: another process has that port/);
  const second = await startReceiver({ ...options, port: 0, limits: { closeTimeoutMs: 50 } });
  const hanging = new Promise<Error>((resolve) => {
    open(second.url, 'POST', IMPORT, { 'content-length': '100' }, () => {}, resolve).write('a 1\n');
  });
  await until(async () => (await send(second.url, { method: 'GET', path: '/', body: '' })).text.includes('1 pushes'));
  abort.abort();
  await second.close();
  assert.match((await hanging).message, /socket hang up|ECONNRESET/);
  await assert.rejects(send(second.url, { path: '/' }), /ECONNREFUSED/);
});

/** Sends raw bytes and returns everything received until the server closes the connection. */
function talk(url: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes, 'latin1'));
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', reject).on('close', () => resolve(text));
  });
}

test('zstd is supported for imports, with one and with several frames', async (t) => {
  const { url, store } = await receiver(t);
  const body = Buffer.concat([zstdCompressSync('a 1\nb'), zstdCompressSync(' 2\n')]);
  assert.equal((await send(url, { path: IMPORT, body, headers: { 'content-encoding': 'zstd' } })).status, 204);
  assert.deepEqual([store.totals.samples, store.totals.refused], [2, 0]);
});

test('the agent’s check for zstd succeeds, and is neither a push nor a rejection', async (t) => {
  const { url, store } = await receiver(t);
  const { exporter, lines, counted } = await exporterTo(url);
  for (let stamp = 1; stamp <= 3; stamp++) {
    exporter.deliver({ ...(await batchAt(NOW + stamp)), encoding: 'zstd', members: [zstdCompressSync('a 1\n')] });
    await until(async () => (await counted(SENT)) === stamp);
  }
  await exporter.close(1000);
  assert.doesNotMatch(lines.join(''), /push failed/);
  const { requests, refused, samples } = store.totals;
  assert.deepEqual({ requests, refused, samples }, { requests: 3, refused: 0, samples: 3 });
  assert.deepEqual(store.troubles, []);
  assert.equal(await counted('firesteel_export_requests_total{code="400",exporter="it"}'), undefined);
  assert.equal(exporter.status().lastFailure, undefined);
  const other = await send(url, {
    path: IMPORT,
    body: '# not that question\n',
    headers: { 'content-encoding': 'zstd' },
  });
  assert.equal(other.status, 400);
  assert.equal(store.totals.refused, 1, 'any other text that is not zstd is refused');
});

test('remote write ends series, whatever was imported for them, and stores samples', async (t) => {
  const { url, store } = await receiver(t);
  const labels = 'extra_label=job%3Dj&extra_label=instance%3Di';
  await send(url, { path: `${IMPORT}?${labels}`, body: '# TYPE b gauge\nb{x="1"} 1\nb{x="2"} 2\n' });
  const end = snappyLiterals(
    staleMarkers(
      [
        [
          ['__name__', 'b'],
          ['x', '1'],
        ],
      ],
      NOW,
    ),
  );
  const headers = { 'content-encoding': 'snappy' };
  assert.equal((await send(url, { path: `/api/v1/write?${labels}`, body: end, headers })).status, 204);
  assert.deepEqual(seriesOf(store, 'vm', KEY), ['b{instance="i",job="j",x="2"} 2']);
  for (const body of [end.subarray(0, -1), Buffer.from([5, 0, 1]), Buffer.from([8, 1, 9, 9])]) {
    assert.equal((await send(url, { path: '/api/v1/write', body, headers })).status, 400);
  }
  assert.equal(
    (await send(url, { path: '/api/v1/write', body: Buffer.from([255, 255, 255, 127]), headers })).status,
    413,
  );
});

test('snappy with copies is decompressed correctly', () => {
  // "abcd", then 8 bytes from 4 back, which overlap their own output, then one byte.
  const packed = Buffer.from([13, 3 << 2, 97, 98, 99, 100, ((8 - 4) << 2) | 1, 4, 0, 101]);
  assert.equal(unpackSnappy(packed, 100).toString(), 'abcdabcdabcde');
});

const MEGABYTES = 2 ** 20;

/** Bodies that are expensive for their size if the cost is per line. */
const LONG: Readonly<Record<string, { readonly body: Buffer; readonly status: readonly number[] }>> = {
  'newlines only': { body: Buffer.alloc(60 * MEGABYTES, '\n'), status: [204, 200] },
  'lines of one character': { body: Buffer.alloc(8 * MEGABYTES, '#\n'), status: [204, 200] },
  'newlines without one at the end': { body: Buffer.from(`${'\n'.repeat(30 * MEGABYTES)}x`), status: [204, 400] },
  'newlines and a byte that is not text': {
    body: Buffer.concat([Buffer.alloc(30 * MEGABYTES, '\n'), Buffer.from([0xff, 0x0a])]),
    status: [204, 400],
  },
};

for (const [what, { body, status }] of Object.entries(LONG)) {
  test(`${what}: other requests get responses between slices`, { timeout: 120_000 }, async (t) => {
    const { url } = await receiver(t);
    let done = false;
    let answers = 0;
    const pushes = Promise.all([
      send(url, { path: IMPORT, body }),
      send(url, { method: 'PUT', path: GROUP, body }),
    ]).finally(() => {
      done = true;
    });
    while (!done) {
      assert.equal((await send(url, { method: 'GET', path: '/', body: '' })).status, 200);
      answers++;
    }
    assert.deepEqual(
      (await pushes).map((one) => one.status),
      status,
    );
    assert.ok(answers >= 3, `${answers} answers`);
  });
}

test('lines keep their numbers among empty ones, and a long one is found after many short ones', async (t) => {
  const { url } = await receiver(t);
  const refused = async (body: string | Buffer) => (await send(url, { method: 'PUT', path: GROUP, body })).text;
  assert.match(await refused('\n\na 1\n\n{\n'), /line 5:/);
  assert.match(await refused(`${'\n'.repeat(300_000)}a 1\n\n{\n`), /line 300003:/);
  assert.match(await refused(`${'a 1\n'.repeat(100_000)}${'x'.repeat(300_000)}\n`), /line 100001: longer .*\(300000\)/);
  assert.match(await refused(`${'\n'.repeat(200_000)}ä`), /line 200001: the last line/);
  const bad = Buffer.concat([Buffer.from('ä\n'.repeat(50_000)), Buffer.from([0x61, 0xff, 0x0a])]);
  assert.match(await refused(bad), /line 50001: not UTF-8/);
  assert.equal((await send(url, { path: IMPORT, body: `${'x'.repeat(256 * 1024)}\na 1\n` })).status, 204);
  assert.equal((await send(url, { path: IMPORT, body: `${'x'.repeat(256 * 1024 + 1)}\na 1\n` })).status, 400);
});

test('two Host headers are refused, as by the real servers', async (t) => {
  const { url } = await receiver(t);
  for (const hosts of ['host: a\r\nhost: a', 'host: a\r\nHOST: b']) {
    const connection = await rawConnection(t, url);
    connection.socket.write(`GET / HTTP/1.1\r\n${hosts}\r\n\r\n`);
    assert.equal(await connection.status(), 400);
  }
});

test('GET /metrics identifies the server, and is not a problem', async (t) => {
  const { url, store } = await receiver(t);
  const answer = await send(url, { method: 'GET', path: '/metrics' });
  assert.equal(answer.status, 200);
  assert.match(answer.text, /^firesteel_receiver_info\{version="[^"]+"\} 1\n$/);
  assert.equal(store.totals.refused, 0);
});
