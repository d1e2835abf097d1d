import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, ThrottledLog } from '../../src/base/log.ts';
import { StaleMarkers } from '../../src/exporters/delivery/stale-markers.ts';
import type { Upload, UploadAttempt } from '../../src/exporters/http/sender.ts';

const TARGET = { job: 'kubelet', instance: 'n1', labels: {} };

/** Markers for a receiver that responds with these codes, and keeps repeating the last one. */
function receiver(codes: readonly UploadAttempt['code'][], isWanted = false) {
  const uploads: Upload[] = [];
  const said: string[] = [];
  let nowMs = 0;
  const log = new ThrottledLog(createLog('info', { write: (line) => void said.push(line) }));
  const markers = new StaleMarkers({
    exporter: 'vm',
    url: () => 'http://vm/api/v1/write',
    isWanted,
    sender: {
      async send(upload) {
        const code = codes[Math.min(uploads.push(upload), codes.length) - 1] ?? 204;
        return { code, text: code === 204 ? '' : `answer ${code}`, durationSeconds: 0.01 };
      },
    },
    clock: {
      wallMs: () => nowMs,
      monotonicMs: () => nowMs,
      async sleep(ms) {
        nowMs += ms;
      },
    },
    random: () => 0.5,
    log,
  });
  const end = (count: number, mayPush?: () => boolean) =>
    markers.end({
      target: TARGET,
      stampMs: 5,
      keys: Array.from({ length: count }, (_, index) => `it{pod="p${index}"}`),
      mayPush,
    });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { markers, uploads, said, end, pass, turn: () => new Promise((resolve) => setTimeout(resolve, 20)) };
}

test('thousands of series are sent in pieces, in sequence', async () => {
  const { markers, uploads, end, turn } = receiver([204]);
  end(2500);
  end(10);
  while (uploads.length < 4) await turn();
  await markers.close(10_000);
  assert.equal(uploads.length, 4);
  assert.ok(uploads.every(({ compression, members }) => compression === 'snappy' && members.length === 1));
});

test('an invalid key loses its request, not the agent or the following ones', async () => {
  const { markers, uploads, said, end, turn } = receiver([204]);
  markers.end({ target: TARGET, stampMs: 5, keys: ['it{pod="unterminated'] });
  end(1);
  for (let turns = 0; uploads.length < 1 && turns < 500; turns++) await turn();
  await markers.close(10_000);
  assert.equal(uploads.length, 1);
  assert.match(said.join(), /failed to send stale markers/);
});

for (const code of [200, 302, 400, 401, 403, 404, 405, 415, 501] as const) {
  test(`a receiver that responds with ${code} does not support markers: it gets none for an hour, which is logged once`, async () => {
    const { markers, uploads, said, end, pass, turn } = receiver([code, 204]);
    end(3000);
    while (uploads.length < 1) await turn();
    await turn();
    end(1);
    await turn();
    assert.equal(uploads.length, 1);
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /"level":"info".*does not support remote write/);
    pass(3_700_000);
    end(1);
    while (uploads.length < 2) await turn();
    await markers.close(10_000);
  });
}

test('if markers are configured, each rejection is a warning', async () => {
  const { markers, uploads, said, end, turn } = receiver([404], true);
  end(1);
  while (uploads.length < 1) await turn();
  await turn();
  end(1);
  while (uploads.length < 2) await turn();
  await markers.close(10_000);
  assert.match(said[0] ?? '', /"level":"warn".*failed to send stale markers/);
});

test('an overload is retried, at most three times; not at all by an agent that is no longer the leader', async () => {
  const again = receiver([503, 429, 204]);
  again.end(1);
  while (again.uploads.length < 3) await again.turn();
  await again.markers.close(10_000);
  assert.equal(again.uploads.length, 3);

  const down = receiver(['error']);
  down.end(1);
  while (down.uploads.length < 3) await down.turn();
  await down.turn();
  await down.markers.close(10_000);
  assert.equal(down.uploads.length, 3);

  const other = receiver([204]);
  other.end(1, () => false);
  await other.turn();
  await other.markers.close(10_000);
  assert.equal(other.uploads.length, 0);
});

test('an unresponsive receiver delays the shutdown no longer than the deadline', { timeout: 120_000 }, async () => {
  let signals = 0;
  const markers = new StaleMarkers({
    exporter: 'vm',
    url: () => 'http://vm/api/v1/write',
    isWanted: false,
    sender: {
      send: (_, signal) =>
        new Promise((resolve) => {
          signals++;
          signal.addEventListener('abort', () => resolve({ code: 'error', text: 'aborted', durationSeconds: 1 }));
        }),
    },
    clock: { wallMs: () => 0, monotonicMs: () => 0, sleep: async () => undefined },
    random: () => 0.5,
    log: new ThrottledLog(createLog('silent')),
  });
  markers.end({ target: TARGET, stampMs: 5, keys: ['it{pod="p1"}'] });
  const started = performance.now();
  await markers.close(100);
  assert.equal(signals, 1);
  assert.ok(performance.now() - started < 5000);
});
