import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { cleanUp } from './clean-up.ts';
import { freePort } from './free-port.ts';

const READY_DEADLINE_MS = 60_000;
/** VictoriaMetrics waits 7 s for requests in progress, then writes its data to disk. */
const STOP_DEADLINE_MS = 60_000;
const POLL_MS = 50;
/** Maximum length of a server's output in the error message if it does not start. */
const KEPT_OUTPUT = 4_000;

/**
 * Whether the program `name`, which is in no package of a supported distribution, is on PATH. Otherwise the test is marked
 * as skipped, also with REQUIRE_SERVERS=1, which requires what can be installed; `source` says how to get it.
 */
export function builtServerAvailable(context: TestContext, name: string, source: string): boolean {
  if (isOnPath(name)) return true;
  context.skip(`${name} is not on PATH; no package has it, so REQUIRE_SERVERS does not require it (${source})`);
  return false;
}

/**
 * Whether the program `name` is on PATH. Otherwise the test is marked as skipped with that reason, or fails if
 * REQUIRE_SERVERS=1 (as in CI, where a skipped comparison would go unnoticed).
 */
export function serverAvailable(context: TestContext, name: string): boolean {
  if (isOnPath(name)) return true;
  const reason = `${name} is not on PATH`;
  if (process.env.REQUIRE_SERVERS === '1') throw new Error(`${reason}, and REQUIRE_SERVERS=1`);
  context.skip(reason);
  return false;
}

/**
 * Starts `binary` on a free port of 127.0.0.1 and waits until `readyPath` responds with 2xx; `args` returns its arguments
 * for the port. The process ends with the test. Resolves to the base URL, without a trailing slash; rejects with the
 * server's last output if it exits or is not ready in time.
 */
export async function startServer(
  context: TestContext,
  binary: string,
  args: (port: number) => readonly string[],
  readyPath: string,
): Promise<string> {
  const server = await RealServer.create(binary, args, readyPath);
  cleanUp(context, () => server.stop());
  await server.start();
  return server.url;
}

/** A server's process that can be stopped, killed and started again on the same port. */
export class RealServer {
  readonly port: number;
  readonly #binary: string;
  readonly #args: readonly string[];
  readonly #readyPath: string;
  #child: ChildProcess | undefined;

  private constructor(binary: string, port: number, args: readonly string[], readyPath: string) {
    this.#binary = binary;
    this.port = port;
    this.#args = args;
    this.#readyPath = readyPath;
  }

  /** With a free port, not yet started; arguments as in {@link startServer}. */
  static async create(
    binary: string,
    args: (port: number) => readonly string[],
    readyPath: string,
  ): Promise<RealServer> {
    const port = await freePort();
    return new RealServer(binary, port, args(port), readyPath);
  }

  /** Without a trailing slash. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Process id of the running process. */
  get pid(): number {
    return this.#child?.pid ?? Number.NaN;
  }

  /** Starts it and waits until it is ready; rejects with its last output if it does not get ready. */
  async start(): Promise<void> {
    const child = spawn(this.#binary, this.#args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-KEPT_OUTPUT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (cause) => {
      output += String(cause);
    });
    const deadline = Date.now() + READY_DEADLINE_MS;
    while (Date.now() < deadline && !hasEnded(child)) {
      if (await answers(this.url + this.#readyPath)) return;
      await delay(POLL_MS);
    }
    const why = hasEnded(child) ? 'ended' : `not ready in ${READY_DEADLINE_MS} ms`;
    throw new Error(`${this.#binary} ${why}: ${output}`);
  }

  /** Stops or kills it, and waits until it has exited. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.#child) await stop(this.#child, signal);
  }
}

/** Whether a program of this name exists. */
export function isOnPath(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

const hasEnded = (child: ChildProcess): boolean =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null;

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit', { signal: AbortSignal.timeout(STOP_DEADLINE_MS) });
  child.kill(signal);
  await ended.catch(() => child.kill('SIGKILL'));
}
