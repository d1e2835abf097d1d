import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { constants, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type AgentProcess, startAgentProcess } from '../kit/agent.ts';
import { freePort } from '../kit/free-port.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { samplesOf } from '../kit/samples.ts';
import { signalsReceived } from '../kit/signals.ts';

const LONGEST_END_MS = 6000;
/** Limit of waiting bytes in memory, and again for the disk. */
const QUEUE_BYTES = 64 * 1024;
const EXPORTER = 'vm';

/** An agent whose receiver is down, and a disk that can be stopped. */
class Outage {
  readonly agent: AgentProcess;
  readonly #flag: string;
  readonly #pipe: string;
  readonly #port: number;

  static async start(t: TestContext): Promise<Outage> {
    const folder = scratchFolder(t);
    const spool = join(folder, 'spool');
    const [flag, pipe] = [join(folder, 'stalled'), join(folder, 'pipe')];
    assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
    const port = await freePort();
    const file = join(folder, 'config.json');
    const config = {
      node: 'n1',
      push: { interval: '1s', phase: '0s' },
      http: { listen: '127.0.0.1:0' },
      collectors: { container: { enabled: false }, process: { enabled: false } },
      spool: { path: spool },
      exporters: {
        [EXPORTER]: {
          type: 'vmagent',
          compression: 'gzip',
          url: `http://127.0.0.1:${port}`,
          queue: { bytes: '64KiB' },
        },
      },
    };
    writeFileSync(file, JSON.stringify(config));
    const env = { STALL_FLAG: flag, STALL_FOLDER: spool, STALL_PIPE: pipe };
    const preload = fileURLToPath(new URL('../kit/stalling-disk.mjs', import.meta.url));
    const agent = startAgentProcess(t, ['run', '--config', file], env, ['--import', preload]);
    await agent.printed(/"msg":"started"/);
    return new Outage(agent, flag, pipe, port);
  }

  private constructor(agent: AgentProcess, flag: string, pipe: string, port: number) {
    this.agent = agent;
    this.#flag = flag;
    this.#pipe = pipe;
    this.#port = port;
  }

  stall(): void {
    writeFileSync(this.#flag, '');
  }

  /** Lets the disk and everything that waits for it respond again. */
  answer(): void {
    rmSync(this.#flag);
    // Opening the pipe for writing unblocks its readers; it stays open until this process ends.
    openSync(this.#pipe, constants.O_RDWR | constants.O_NONBLOCK);
  }

  /** Accepts everything from now on; returns the number of samples so far. */
  async receive(t: TestContext): Promise<() => number> {
    let uploads = 0;
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        uploads++;
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    return () => uploads;
  }

  async ask(path: string): Promise<string> {
    const url = /"http":"([^"]+)"/.exec(this.agent.stderr())?.[1] ?? '';
    return (await fetch(url + path, { signal: AbortSignal.timeout(60_000) })).text();
  }

  /** The self metrics of the exporter whose labels have `label`, summed. */
  async own(name: string, label = ''): Promise<number> {
    let sum = 0;
    for (const [series, value] of samplesOf(await this.ask('/metrics'))) {
      if (series.startsWith(`${name}{`) && series.includes(`exporter="${EXPORTER}"`) && series.includes(label))
        sum += value;
    }
    return sum;
  }

  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + 90_000;
    while (!(await condition())) {
      if (performance.now() > deadline) {
        throw new Error(`waited for ${what}: ${await this.ask('/metrics')}\n${this.agent.stderr().slice(-2000)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async end(signals: number): Promise<{ code: number | null; ms: number }> {
    const began = performance.now();
    for (let sent = 0; sent < signals; sent++) {
      this.agent.child.kill('SIGTERM');
      await signalsReceived(this.agent.child.pid ?? 0);
    }
    const { code } = await this.agent.ended;
    return { code, ms: performance.now() - began };
  }

  /** An outage, and in it a disk that stops: until memory is full. */
  async untilFull(): Promise<void> {
    await this.until('files', async () => (await this.own('firesteel_export_queue_bodies', 'tier="disk"')) > 2);
    this.stall();
    await this.until('the stall', async () => (await this.own('firesteel_export_spool_usable')) === 0);
    await this.until(
      'the limit',
      async () => (await this.own('firesteel_export_samples_dropped_total', 'reason="disk_stalled"')) > 0,
    );
  }
}

test('a disk that stops responding during an outage: bounds, page, metrics, and a timely shutdown', {
  timeout: 180_000,
}, async (t) => {
  const outage = await Outage.start(t);
  await outage.untilFull();
  const onDisk = await outage.own('firesteel_export_queue_bytes', 'tier="disk"');
  for (let look = 0; look < 5; look++) {
    assert.ok((await outage.own('firesteel_export_queue_bytes', 'tier="memory"')) <= QUEUE_BYTES);
    // Batches waiting for the disk count as on it; the files do not grow, so any growth is theirs.
    assert.ok((await outage.own('firesteel_export_queue_bytes', 'tier="disk"')) <= onDisk + QUEUE_BYTES);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.match(await outage.ask('/v1/status'), /the disk does not respond/);
  assert.match(await outage.ask('/healthz'), /ok/i);
  assert.match(outage.agent.stderr(), /spool error/);
  const { code, ms } = await outage.end(1);
  t.diagnostic(`ended with ${code} after ${Math.round(ms)} ms`);
  assert.equal(code, 0);
  assert.ok(ms <= LONGEST_END_MS, `it took ${ms} ms`);
});

test('two signals end it immediately', { timeout: 180_000 }, async (t) => {
  const outage = await Outage.start(t);
  await outage.untilFull();
  const { code, ms } = await outage.end(2);
  // The first one may have ended it before the second arrived, or the kernel ends it during shutdown.
  assert.ok(code === 0 || code === 1 || code === null, `ended with ${code}`);
  assert.ok(ms <= 2000, `it took ${ms} ms`);
});

test('a disk that responds again stores the waiting batches, and nothing more is lost', {
  timeout: 240_000,
}, async (t) => {
  const outage = await Outage.start(t);
  await outage.untilFull();
  outage.answer();
  await outage.until('the disk', async () => (await outage.own('firesteel_export_spool_usable')) === 1);
  const lost = await outage.own('firesteel_export_samples_dropped_total');
  const uploads = await outage.receive(t);
  await outage.until('the queue to be empty', async () => (await outage.own('firesteel_export_queue_bodies')) === 0);
  assert.ok(uploads() > 5);
  assert.equal(await outage.own('firesteel_export_samples_dropped_total'), lost);
  const { code } = await outage.end(1);
  assert.equal(code, 0);
});
