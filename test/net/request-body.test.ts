import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ClientRequest } from 'node:http';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { writeBody } from '../../src/net/request-body.ts';

/** As large as a piece. */
const PIECE = 8 * 1024 * 1024;
const NEVER = new Promise<never>(() => {});

/** A request that takes `busyMs` of the thread for each write, and whose socket takes as much as `takes` says. */
class FakeRequest extends EventEmitter {
  readonly written: number[] = [];
  corked = 0;
  ended: boolean = false;
  busyMs = 0;
  takes = true;

  cork(): void {
    this.corked++;
  }

  uncork(): void {
    this.corked--;
  }

  write({ length }: Buffer): boolean {
    assert.equal(this.corked, 1, 'the buffers of a piece go to the kernel together');
    assert.equal(this.ended, false);
    this.written.push(length);
    const until = performance.now() + this.busyMs;
    while (performance.now() < until);
    return this.takes;
  }

  end(): void {
    this.ended = true;
  }
}

const write = (request: FakeRequest, members: readonly Buffer[], answered: Promise<unknown> = NEVER) =>
  writeBody(request as unknown as ClientRequest, members, answered);

const members = (count: number, bytes: number) => new Array<Buffer>(count).fill(Buffer.alloc(bytes));

test('a small body is written in one go', () => {
  const request = new FakeRequest();
  request.takes = false;
  void write(request, members(100, 5000));
  assert.equal(request.written.length, 100);
  assert.equal(request.ended, true);
  const empty = new FakeRequest();
  void write(empty, []);
  assert.equal(empty.ended, true);
});

test('the event loop turns while a large body is written to a receiver that takes everything at once', async () => {
  const request = new FakeRequest();
  request.busyMs = 3;
  let turns = 0;
  const count = () => {
    turns++;
    if (!request.ended) setImmediate(count);
  };
  setImmediate(count);
  await write(request, members(20, PIECE));
  assert.equal(request.written.length, 20);
  assert.ok(turns >= 15, `${turns} turns`);
});

test('the same body is written again, whatever was written in between', async () => {
  const memory = Buffer.from('one two three four');
  const same = [memory.subarray(0, 4), memory.subarray(4, 8), Buffer.from('!'), memory.subarray(8)];
  const written = async (body: readonly Buffer[]) => {
    const texts: string[] = [];
    const request = Object.assign(new FakeRequest(), { write: (buffer: Buffer) => texts.push(String(buffer)) > 0 });
    await write(request, body);
    return texts;
  };
  assert.deepEqual(await written(same), ['one two ', '!', 'three four']);
  assert.deepEqual(await written(same.slice(0, 2)), ['one two ']);
  assert.deepEqual(await written(same), ['one two ', '!', 'three four']);
});

test('a piece is written when the socket has accepted the previous one', async () => {
  const request = new FakeRequest();
  request.takes = false;
  const done = write(request, members(3, PIECE));
  for (let piece = 1; piece < 3; piece++) {
    for (let times = 0; times < 5; times++) await turn();
    assert.equal(request.written.length, piece);
    request.emit('drain');
  }
  await done;
  assert.equal(request.written.length, 3);
  assert.equal(request.ended, true);
});

test('after an early response nothing more is written', async () => {
  const request = new FakeRequest();
  request.takes = false;
  let respond = () => {};
  const done = write(request, members(3, PIECE), new Promise<void>((resolve) => (respond = resolve)));
  await turn();
  respond();
  await done;
  assert.equal(request.written.length, 1);
  assert.equal(request.ended, false);
});

test('rejects with the error of the request', async () => {
  const request = new FakeRequest();
  request.takes = false;
  const failed = Promise.reject(new Error('ECONNRESET'));
  await assert.rejects(write(request, members(3, PIECE), failed), /ECONNRESET/);
  assert.equal(request.ended, false);
});
