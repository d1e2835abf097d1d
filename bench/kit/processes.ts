import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { nextMessage } from './messages.ts';

/** The measured bundle; FIRESTEEL_BUNDLE names another one. */
const BUNDLE = process.env.FIRESTEEL_BUNDLE ?? fileURLToPath(new URL('../../dist/firesteel.mjs', import.meta.url));

/** How long a process may take to exit. */
const PATIENCE_MS = 10_000;

/** USER_HZ, the unit of the times in /proc/<pid>/stat: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** A process under measurement. */
export interface Measured {
  readonly pid: number;
  /** Whether it has exited. */
  readonly hasEnded: boolean;
  end(): Promise<void>;
}

/** CPU time that a process has used, in milliseconds, in steps of 10; optionally with that of its exited children. */
export function cpuMs(pid: number, withChildren = false): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, withChildren ? 15 : 13);
  return (ticks.reduce((sum, field) => sum + Number(field), 0) * 1000) / TICKS_PER_SECOND;
}

/**
 * CPU time of the threads that a process has now, in milliseconds, by the scheduler's own clock. For processes whose threads
 * do not end, such as Node.js, and times that steps of 10 ms are too coarse for.
 */
export function threadsMs(pid: number): number {
  const folder = `/proc/${pid}/task`;
  const times = readdirSync(folder).map((thread) =>
    Number.parseInt(readFileSync(`${folder}/${thread}/schedstat`, 'latin1'), 10),
  );
  return times.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e6;
}

/** Memory of a process in MiB: RSS, peak RSS, and its anonymous part (heap and stacks, not the program's file). */
export function memoryMib(pid: number): { rss: number; peak: number; anon: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const kib = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? Number.NaN);
  return { rss: kib('VmRSS') / 1024, peak: kib('VmHWM') / 1024, anon: kib('RssAnon') / 1024 };
}

/** Starts a program and waits until `url` responds. */
export async function startProgram(command: string, args: readonly string[], url: string): Promise<Measured> {
  const child = spawn(command, args, { stdio: 'ignore' });
  const failed = once(child, 'error').then(([cause]) => Promise.reject(cause as Error));
  try {
    await Promise.race([answers(url), failed]);
  } catch (cause) {
    child.kill();
    throw cause;
  }
  return measured(child);
}

/** Starts the built agent with `flags`, pushing to `url` if there is one; `nodeFlags` are for Node.js. */
export async function startAgent(
  url: string | undefined,
  flags: readonly string[],
  nodeFlags: readonly string[] = [],
  bundle = BUNDLE,
): Promise<Measured> {
  const push = url === undefined ? [] : ['--vmagent.url', url];
  const args = ['--disable-warning=ExperimentalWarning', ...nodeFlags, bundle, 'run', ...push, ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  await once(child, 'spawn');
  return measured(child);
}

/** A process whose event loop is monitored. */
export interface Probed extends Measured {
  /** Starts monitoring, which costs CPU; it is on from the start. */
  watch(): void;
  /** Stops monitoring until {@link watch}. */
  rest(): void;
  /** Stops monitoring; returns the longest block of the event loop in milliseconds. */
  longestBlockMs(): Promise<number>;
  /** The same, with the CPU time of the longest turn since {@link watch}. */
  longest(): Promise<{ readonly blockMs: number; readonly cpuMs: number }>;
  /** Used heap and external memory in MiB; after a garbage collection with `--expose-gc`. */
  usedMib(): Promise<number>;
}

/** Like {@link startAgent}, with flags for Node, and monitored. */
export async function startProbedAgent(
  url: string,
  flags: readonly string[],
  nodeFlags: readonly string[] = [],
): Promise<Probed> {
  return startProbed([...nodeFlags, BUNDLE, 'run', '--vmagent.url', url, ...flags]);
}

/** An idle, monitored process: blocks of its loop are caused by the machine. */
export const startProbedIdler = (): Promise<Probed> => startProbed(['--eval', 'setInterval(() => {}, 60_000)']);

async function startProbed(args: readonly string[]): Promise<Probed> {
  const probe = new URL('loop-probe.mjs', import.meta.url).href;
  const node = ['--disable-warning=ExperimentalWarning', '--import', probe];
  const child = spawn(process.execPath, [...node, ...args], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  await once(child, 'spawn');
  const longest = async () => {
    child.send('read');
    const { longestBlockMs, longestCpuMs } = await nextMessage<{ longestBlockMs: number; longestCpuMs: number }>(child);
    return { blockMs: longestBlockMs, cpuMs: longestCpuMs };
  };
  return Object.assign(measured(child), {
    watch: () => void child.send('watch'),
    rest: () => void child.send('rest'),
    longest,
    longestBlockMs: async () => (await longest()).blockMs,
    async usedMib() {
      child.send('memory');
      return (await nextMessage<{ usedMib: number }>(child)).usedMib;
    },
  });
}

function measured(child: ChildProcess): Measured {
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  return {
    pid: child.pid as number,
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
      await ended;
      clearTimeout(patience);
    },
  };
}

/** Idle connections stay open for as long as at VictoriaMetrics: Node's own five seconds are shorter than an interval. */
const IDLE_MS = 60_000;

const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** A receiver that accepts and counts everything, and only checks whether requests declared as zstd may be zstd. */
export interface Sink {
  readonly url: string;
  bodies: number;
  bytes: number;
  close(): void;
}

/** Starts a sink on a free port; `onBody` is called with each request body. */
export async function startSink(onBody: (path: string, bytes: number) => void = () => {}): Promise<Sink> {
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  const sink = { url: '', bodies: 0, bytes: 0, close };
  const server = createServer({ keepAliveTimeout: IDLE_MS }, (request, response) => {
    let bytes = 0;
    let isZstd = true;
    request.on('data', (chunk: Buffer) => {
      if (bytes === 0) isZstd = chunk.subarray(0, ZSTD_MAGIC.length).equals(ZSTD_MAGIC);
      bytes += chunk.length;
    });
    request.on('end', () => {
      if (request.headers['content-encoding'] === 'zstd' && !isZstd) {
        response.writeHead(400).end('magic number mismatch');
        return;
      }
      sink.bodies++;
      sink.bytes += bytes;
      onBody(request.url ?? '', bytes);
      // A receiver that does not report what it has written does not support 2.0.
      const isSecond = request.headers['x-prometheus-remote-write-version'] === '2.0.0';
      response.writeHead(204, isSecond ? { 'x-prometheus-remote-write-samples-written': '1000000' } : {}).end();
    });
  }).listen(0, '127.0.0.1');
  // Like VictoriaMetrics; with Node's own five seconds each push would need a new connection.
  server.keepAliveTimeout = 60_000;
  await once(server, 'listening');
  sink.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return sink;
}

/** Waits until `url` responds with success; rejects after a minute, because the machine may be busy. */
export async function answers(url: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      if ((await fetch(url, { signal: AbortSignal.timeout(1000) })).ok) return;
    } catch (cause) {
      if (performance.now() > deadline) throw new Error(`${url} does not respond`, { cause });
    }
    await sleep(50);
  }
}

/** Waits for some milliseconds. */
export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
