import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, ThrottledLog } from '../../src/base/log.ts';
import { StaleMarkers } from '../../src/exporters/delivery/stale-markers.ts';
import type { Upload, UploadAttempt } from '../../src/exporters/http/sender.ts';
import { until } from '../kit/until.ts';

const TARGET = { job: 'kubelet', instance: 'n1', labels: {} };

/** Markers for a receiver that responds with these codes, and keeps repeating the last one. */
function receiver(codes: readonly UploadAttempt['code'][], isWanted = false) {
  const uploads: Upload[] = [];
  const said: string[] = [];
  const dropped = { too_many: 0, failed: 0 };
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
    onDropped(reason, series) {
      dropped[reason] += series;
    },
  });
  const end = (count: number, mayPush?: () => boolean, width = 0) =>
    markers.end({
      target: TARGET,
      stampMs: 5,
      keys: Array.from({ length: count }, (_, index) => `it{pod="${`p${index}`.padEnd(width)}"}`),
      lost: 0,
      mayPush,
    });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { markers, uploads, said, dropped, end, pass, turn: () => new Promise((resolve) => setTimeout(resolve, 20)) };
}

test('thousands of series are sent in pieces, in sequence', async () => {
  const { markers, uploads, end } = receiver([204]);
  end(2500);
  end(10);
  await until(() => uploads.length >= 4);
  await markers.close(10_000);
  assert.equal(uploads.length, 4);
  assert.ok(uploads.every(({ compression, members }) => compression === 'snappy' && members.length === 1));
});

test('an invalid key loses its request, not the agent or the following ones', async () => {
  const { markers, uploads, said, dropped, end } = receiver([204]);
  markers.end({ target: TARGET, stampMs: 5, keys: ['it{pod="unterminated'], lost: 0 });
  end(1);
  await until(() => uploads.length >= 1);
  await markers.close(10_000);
  assert.equal(uploads.length, 1);
  assert.match(said.join(), /failed to send stale markers/);
  assert.deepEqual(dropped, { too_many: 0, failed: 1 });
});

test('all series of 1,800 pods that vanish at once are ended; of more, those that fit, and the others are counted', {
  timeout: 120_000,
}, async () => {
  const some = receiver([204]);
  some.end(104_000, undefined, 150);
  await until(() => some.uploads.length >= 104);
  await some.markers.close(10_000);
  assert.deepEqual(some.dropped, { too_many: 0, failed: 0 });

  const more = receiver([204]);
  more.end(1, () => false);
  more.end(120_000, undefined, 150);
  const dropped = more.dropped.too_many;
  assert.ok(dropped > 10_000 && dropped < 20_000, `${dropped} are dropped`);
  await until(() => more.uploads.length >= Math.ceil((120_000 - dropped) / 1000));
  await more.turn();
  // What has been sent makes room.
  more.end(100_000, undefined, 150);
  await more.markers.close(10_000);
  assert.equal(more.dropped.too_many, dropped);
});

test('series whose keys were lost on the way count as dropped, unless the receiver takes no markers at all', async () => {
  const { markers, uploads, dropped, end, turn } = receiver([404]);
  markers.end({ target: TARGET, stampMs: 5, keys: [], lost: 3 });
  assert.deepEqual(dropped, { too_many: 3, failed: 0 });
  end(1);
  await until(() => uploads.length >= 1);
  await turn();
  markers.end({ target: TARGET, stampMs: 5, keys: [], lost: 4 });
  await markers.close(10_000);
  assert.deepEqual(dropped, { too_many: 3, failed: 0 });
});

for (const code of [200, 302, 400, 401, 403, 404, 405, 415, 501] as const) {
  test(`a receiver that responds with ${code} does not support markers: it gets none for an hour, which is logged once`, async () => {
    const { markers, uploads, said, end, pass, turn } = receiver([code, 204]);
    end(3000);
    await until(() => uploads.length >= 1);
    await turn();
    end(1);
    await turn();
    assert.equal(uploads.length, 1);
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /"level":"info".*does not support remote write/);
    pass(3_700_000);
    end(1);
    await until(() => uploads.length >= 2);
    await markers.close(10_000);
  });
}

test('if markers are configured, each rejection is a warning', async () => {
  const { markers, uploads, said, dropped, end, turn } = receiver([404], true);
  end(1);
  await until(() => uploads.length >= 1);
  await turn();
  end(1);
  await until(() => uploads.length >= 2);
  await markers.close(10_000);
  assert.match(said[0] ?? '', /"level":"warn".*failed to send stale markers/);
  assert.equal(dropped.failed, 2);
});

test('an overload is retried, at most three times; not at all by an agent that is no longer the leader', async () => {
  const again = receiver([503, 429, 204]);
  again.end(1);
  await until(() => again.uploads.length >= 3);
  await again.markers.close(10_000);
  assert.equal(again.uploads.length, 3);
  assert.equal(again.dropped.failed, 0);

  const down = receiver(['error']);
  down.end(1);
  await until(() => down.uploads.length >= 3);
  await down.turn();
  await down.markers.close(10_000);
  assert.equal(down.uploads.length, 3);
  assert.equal(down.dropped.failed, 1);

  const other = receiver([204]);
  other.end(1, () => false);
  await other.turn();
  await other.markers.close(10_000);
  assert.equal(other.uploads.length, 0);
  assert.equal(other.dropped.failed, 0);
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
    onDropped: () => undefined,
  });
  markers.end({ target: TARGET, stampMs: 5, keys: ['it{pod="p1"}'], lost: 0 });
  const started = performance.now();
  await markers.close(100);
  assert.equal(signals, 1);
  // The sender responds only when it is aborted.
  assert.ok(performance.now() - started < 60_000);
});
