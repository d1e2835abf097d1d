import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Journal } from '../../src/host/journal/journal.ts';
import { cleanUp } from './clean-up.ts';
import { freePort } from './free-port.ts';

const READY_MS = 60_000;

/** systemd-journal-remote as a server, which can be stopped and restarted on its port. */
export class JournalRemote {
  readonly folder: string;
  readonly port: number;
  #child: ChildProcess | undefined;
  #stderr = '';

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.port = port;
  }

  /** Writes to `folder`, which must exist; ends with the test. */
  static async start(context: TestContext, folder: string): Promise<JournalRemote> {
    const server = new JournalRemote(folder, await freePort());
    cleanUp(context, () => server.stop());
    await server.start();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const options = [`--listen-http=127.0.0.1:${this.port}`, '-o', this.folder, '--split-mode=none'];
    const child = spawn('systemd-journal-remote', options.with(2, join(this.folder, 'remote.journal')), {
      env: {
        ...process.env,
        ...(process.env.LD_LIBRARY_PATH_PEERS && { LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH_PEERS }),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-2000);
    });
    this.#child = child;
    const deadline = performance.now() + READY_MS;
    while (performance.now() < deadline && child.exitCode === null) {
      // Any response means that it listens.
      const isUp = await fetch(this.url, { signal: AbortSignal.timeout(2000) }).then(
        (response) => response.arrayBuffer().then(() => true),
        () => false,
      );
      if (isUp) return;
      await delay(50);
    }
    throw new Error(`systemd-journal-remote is not ready: ${this.#stderr}`);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit', { signal: AbortSignal.timeout(60_000) });
    child.kill(signal);
    await exited.catch(() => child.kill('SIGKILL'));
  }

  /** All its entries in the order of arrival: the values of these fields. */
  received(...names: readonly string[]): (string | undefined)[][] {
    if (readdirSync(this.folder).length === 0) return [];
    const journal = new Journal({ paths: [this.folder], start: { sinceRealtime: 0 } });
    journal.scan();
    const all: (string | undefined)[][] = [];
    for (let next = journal.next(); next !== undefined; next = journal.next()) {
      const { fields } = next;
      all.push(names.map((name) => fields.find((field) => field.name === name)?.text));
    }
    journal.close();
    return all;
  }
}
