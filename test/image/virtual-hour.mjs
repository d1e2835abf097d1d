// Loaded before the agent (`node --import`): the time of its timers and clocks advances whenever the agent is idle, so that
// an hour takes about a minute. Other waits of the agent (files, sockets, threads) take real time, during which its clocks
// do not advance. After VIRTUAL_SECONDS the state of the agent is printed to stdout as a line of JSON, and the process
// ends. A receiver that accepts everything listens on 127.0.0.1:8428; it is also a state agent that knows no pods.
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import promises from 'node:timers/promises';

const VIRTUAL_MS = Number(process.env.VIRTUAL_SECONDS) * 1000;
const STATUS_URL = 'http://127.0.0.1:9750/v1/status';
/** An agent that is idle for this long waits for a timer. */
const QUIET_MS = 4;

/** As many as libuv has: waiting for all of them covers most of the earlier work. */
const THREADS = [1, 2, 3, 4];

const real = { setTimeout, now: Date.now, monotonic: performance.now.bind(performance), Date };
let aheadMs = 0;
const nowMs = () => real.monotonic() + aheadMs;

class VirtualDate extends real.Date {
  constructor(...given) {
    if (given.length === 0) super(VirtualDate.now());
    else super(...given);
  }
  static now() {
    return real.now() + Math.round(aheadMs);
  }
}

/** @type {Set<VirtualTimer>} */
const waiting = new Set();

class VirtualTimer {
  constructor(call, delayMs, given, repeats) {
    this.call = () => call(...given);
    this.delayMs = Math.max(1, Number(delayMs) || 1);
    this.repeats = repeats;
    this.isKept = true;
    this.refresh();
  }
  refresh() {
    this.dueMs = nowMs() + this.delayMs;
    waiting.add(this);
    return this;
  }
  ref() {
    this.isKept = true;
    return this;
  }
  unref() {
    this.isKept = false;
    return this;
  }
  hasRef() {
    return this.isKept;
  }
  close() {
    waiting.delete(this);
    return this;
  }
  fire() {
    waiting.delete(this);
    if (this.repeats) this.refresh();
    this.call();
  }
  [Symbol.dispose]() {
    this.close();
  }
}

globalThis.Date = VirtualDate;
performance.now = nowMs;
globalThis.setTimeout = (call, delayMs, ...given) => new VirtualTimer(call, delayMs, given, false);
globalThis.setInterval = (call, delayMs, ...given) => new VirtualTimer(call, delayMs, given, true);
globalThis.clearTimeout = (timer) => timer?.close?.();
globalThis.clearInterval = globalThis.clearTimeout;
promises.setTimeout = (delayMs, value, { signal } = {}) => {
  const { promise, resolve, reject } = Promise.withResolvers();
  if (signal?.aborted) return Promise.reject(signal.reason);
  const ended = () => {
    timer.close();
    reject(signal.reason);
  };
  const timer = setTimeout(() => {
    signal?.removeEventListener('abort', ended);
    resolve(value);
  }, delayMs);
  signal?.addEventListener('abort', ended, { once: true });
  return promise;
};
syncBuiltinESMExports();

let pushes = 0;
let underWay = 0;
const receiver = createServer((request, response) => {
  underWay++;
  response.on('close', () => underWay--);
  request.resume().on('end', () => {
    if (request.method === 'POST') pushes++;
    const isPodInfo = request.url?.startsWith('/v1/ksm/') === true;
    response.writeHead(isPodInfo ? 200 : 204, { 'content-type': 'application/json', date: new Date().toUTCString() });
    response.end(isPodInfo ? '{"pods":[]}' : '');
  });
});
await new Promise((resolve) => receiver.listen(8428, '127.0.0.1', resolve));
receiver.unref();

const pause = (ms) => new Promise((resolve) => real.setTimeout(resolve, ms));
/** Work in progress except timers (including the process that checks the configuration), and listening or idle sockets. */
const isBusy = () =>
  underWay > 0 || process.getActiveResourcesInfo().some((name) => /Req|Connect|Write|Zlib|Process/.test(name));

async function untilQuiet() {
  for (let isQuiet = false; !isQuiet; ) {
    const before = performance.eventLoopUtilization();
    await Promise.all(THREADS.map(() => stat('/')));
    await pause(QUIET_MS);
    const { active } = performance.eventLoopUtilization(before);
    isQuiet = !isBusy() && active < QUIET_MS / 2;
  }
}

async function pass() {
  const endMs = nowMs() + VIRTUAL_MS;
  while (nowMs() < endMs) {
    await untilQuiet();
    const dueMs = Math.min(...[...waiting].map((timer) => timer.dueMs));
    aheadMs += Math.max(0, Math.min(dueMs, endMs) - nowMs());
    for (const timer of [...waiting].sort((one, other) => one.dueMs - other.dueMs)) {
      if (waiting.has(timer) && timer.dueMs <= nowMs()) timer.fire();
    }
  }
  await untilQuiet();
  const status = await (await fetch(STATUS_URL)).json();
  process.stdout.write(`${JSON.stringify({ pushes, status })}\n`, () => process.exit(0));
}

void pass();
