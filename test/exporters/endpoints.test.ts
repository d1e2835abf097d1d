import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../src/base/clock.ts';
import { Endpoints, type UploadPermit } from '../../src/exporters/http/endpoints.ts';

/** A clock that the test advances. */
class HandClock implements Clock {
  #now = 0;
  readonly #sleepers = new Set<() => void>();

  monotonicMs(): number {
    return this.#now;
  }

  wallMs(): number {
    return this.#now;
  }

  async sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    const until = this.#now + milliseconds;
    while (this.#now < until && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#sleepers.add(resolve);
        signal.addEventListener('abort', () => resolve());
      });
    }
  }

  async forward(milliseconds: number): Promise<void> {
    this.#now += milliseconds;
    for (const wake of this.#sleepers) wake();
    this.#sleepers.clear();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const failed = (waitMs: number, isPause = false) => ({ waitMs, isPause });
/** The random number with which waits are longest. */
const longest = () => 1;
const never = new AbortController().signal;
const passOf = (endpoints: Endpoints): UploadPermit => {
  const permit = endpoints.permitNow('node');
  assert.ok(permit);
  return permit;
};

test('after a failure one upload per wait passes, and all after it was accepted', async () => {
  const clock = new HandClock();
  const endpoints = new Endpoints(['one'], undefined, clock, longest);
  const together = [passOf(endpoints), passOf(endpoints), passOf(endpoints)];
  for (const permit of together) endpoints.settle(permit, failed(1000));
  assert.equal(endpoints.current.breaker.failures, 1, 'what failed together is one failure');
  assert.equal(endpoints.permitNow('node'), undefined);
  const waiting = [endpoints.permit(never, 'node'), endpoints.permit(never, 'node')];
  const passed: UploadPermit[] = [];
  for (const one of waiting) void one.then((permit) => permit && passed.push(permit));
  await clock.forward(999);
  assert.equal(passed.length, 0);
  await clock.forward(1);
  assert.equal(passed.length, 1, 'one probes');
  endpoints.settle(passed[0] as UploadPermit, 'accepted');
  await Promise.all(waiting);
  assert.ok(endpoints.isOpen);
  assert.equal(passed.length, 2);
});

test('the next address takes over immediately, and the first gets everything back when it recovers', async () => {
  const clock = new HandClock();
  const endpoints = new Endpoints(['one', 'two'], undefined, clock, longest);
  const urlOf = () => {
    const permit = passOf(endpoints);
    return { permit, url: permit.endpoint.url };
  };
  endpoints.settle(passOf(endpoints), failed(1000));
  assert.ok(endpoints.isOpen);
  const second = urlOf();
  assert.equal(second.url, 'two');
  endpoints.settle(second.permit, 'accepted');
  await clock.forward(1000);
  const probe = urlOf();
  assert.deepEqual([probe.url, urlOf().url], ['one', 'two'], 'one upload tries, the others go on');
  endpoints.settle(probe.permit, 'accepted');
  assert.deepEqual([urlOf().url, urlOf().url], ['one', 'one']);
});

test('waiting ends with its signal', async () => {
  const endpoints = new Endpoints(['one'], undefined, new HandClock(), longest);
  endpoints.settle(passOf(endpoints), failed(60_000, true));
  assert.ok(endpoints.isPaused);
  const ending = new AbortController();
  const waiting = endpoints.permit(ending.signal, 'node');
  ending.abort();
  endpoints.wake();
  assert.equal(await waiting, undefined);
  endpoints.hurry();
  assert.ok(endpoints.permitNow('node'));
  assert.equal(endpoints.permitNow('node'), undefined, 'one more try, not one for each lane');
});

test('after a failure another lane tries the address; if that is accepted, only the failed lane waits', async () => {
  const clock = new HandClock();
  const endpoints = new Endpoints(['one'], undefined, clock, longest);
  endpoints.settle(passOf(endpoints), failed(1000));
  const passed: UploadPermit[] = [];
  for (const lane of ['node', 'process'])
    void endpoints.permit(never, lane).then((permit) => permit && passed.push(permit));
  await clock.forward(1000);
  assert.deepEqual(
    passed.map(({ lane }) => lane),
    ['process'],
  );
  endpoints.settle(passed[0] as UploadPermit, 'accepted');
  await clock.forward(0);
  assert.deepEqual(
    passed.map(({ lane }) => lane),
    ['process', 'node'],
    'the lane that failed may try as well',
  );
  endpoints.settle(passed[1] as UploadPermit, failed(60_000));
  assert.ok(endpoints.isOpen, 'it fails alone: the address is well');
  const other = endpoints.permitNow('process');
  assert.ok(other);
  endpoints.settle(other, 'accepted');
  assert.equal(endpoints.permitNow('node'), undefined);
  await clock.forward(60_000);
  const again = endpoints.permitNow('node') as UploadPermit;
  assert.equal(endpoints.backOff(again, { requestedMs: undefined }), 4000, 'its wait grows');
  await clock.forward(4000);
  endpoints.settle(endpoints.permitNow('node') as UploadPermit, 'accepted');
  assert.ok(endpoints.permitNow('node'));
});

test('what a receiver requests is waited for, plus a random part that differs between agents', async () => {
  const clock = new HandClock();
  const draws = [0.5, 0, 0.9];
  const endpoints = new Endpoints(['one'], undefined, clock, () => draws.shift() ?? 0);
  const waits: number[] = [];
  for (const backOff of [
    { requestedMs: undefined },
    { requestedMs: 0 },
    { requestedMs: 30_000 },
    { requestedMs: 30_000, isPause: true },
  ]) {
    const waitMs = endpoints.backOff(passOf(endpoints), backOff);
    waits.push(waitMs);
    await clock.forward(waitMs - 1);
    assert.equal(endpoints.permitNow('node'), undefined);
    await clock.forward(1);
  }
  assert.deepEqual(waits, [750, 500, 30_950, 60_000]);
});

test('lanes that all fail try in turn, one upload per wait', async () => {
  const clock = new HandClock();
  const endpoints = new Endpoints(['one'], undefined, clock, longest);
  const lanes = ['node', 'process', 'agent'];
  const together = lanes.map((lane) => endpoints.permitNow(lane) as UploadPermit);
  for (const permit of together) endpoints.settle(permit, failed(1000));
  const attempt: string[] = [];
  const go = (lane: string) =>
    void endpoints.permit(never, lane).then((permit) => {
      if (permit === undefined) return;
      attempt.push(lane);
      endpoints.settle(permit, failed(1000));
      go(lane);
    });
  for (const lane of lanes) go(lane);
  for (let second = 0; second < 6; second++) await clock.forward(1000);
  assert.ok(attempt.length >= 5 && attempt.length <= 6, `${attempt}`);
  for (const [index, lane] of attempt.entries()) assert.notEqual(lane, attempt[index - 1], `${attempt}`);
  assert.ok(!endpoints.isOpen);
});
