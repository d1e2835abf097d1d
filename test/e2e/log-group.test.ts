import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentProcess, startAgentProcess } from '../kit/agent.ts';
import { cleanUp } from '../kit/clean-up.ts';
import { freePort } from '../kit/free-port.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { exportEntry, JournalWriter } from '../kit/journal-writer.ts';
import { serverAvailable } from '../kit/servers.ts';

function folderOf(context: TestContext): string {
  const folder = scratchFolder(context);
  cleanUp(context, () => spawnSync('umount', ['-l', join(folder, 'journal')]));
  return folder;
}

/** Repeated runs of the agent with the same port and state. */
class Lives {
  readonly #context: TestContext;
  readonly #config: string;
  readonly #url: string;
  #agent: AgentProcess | undefined;

  private constructor(context: TestContext, config: string, url: string) {
    this.#context = context;
    this.#config = config;
    this.#url = url;
  }

  static async create(context: TestContext, folder: string, collectors: object): Promise<Lives> {
    const port = await freePort();
    const off = { enabled: false };
    const config = {
      push: { interval: '1s' },
      log: { level: 'warn' },
      http: { listen: `127.0.0.1:${port}` },
      spool: { path: join(folder, 'spool') },
      collectors: { node: off, container: off, process: off, ...collectors },
    };
    const path = join(folder, 'firesteel.yaml');
    writeFileSync(path, JSON.stringify(config));
    return new Lives(context, path, `http://127.0.0.1:${port}`);
  }

  /** Starts it and waits until it responds. */
  async start(): Promise<void> {
    this.#agent = startAgentProcess(this.#context, ['run', '--config', this.#config]);
    const deadline = AbortSignal.timeout(60_000);
    while ((await this.#get('/readyz'))?.ok !== true) {
      if (deadline.aborted || this.#agent.child.exitCode !== null)
        throw new Error(`not ready: ${this.#agent.stderr()}`);
      await sleep(50);
    }
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#agent?.child.kill(signal);
    await this.#agent?.ended;
  }

  get stderr(): string {
    return this.#agent?.stderr() ?? '';
  }

  /** The sum of a family's series as the agent would push them now. */
  async total(name: string): Promise<number> {
    const text = (await (await this.#get('/metrics'))?.text()) ?? '';
    const lines = text
      .split('\n')
      .filter(
        (line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `) || line.startsWith(name.replace('}', ',')),
      );
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** As {@link total}, once the collector has responded: on a busy machine it misses the deadline of a cycle. */
  async present(name: string): Promise<number> {
    const deadline = AbortSignal.timeout(60_000);
    let total = 0;
    while (total === 0 && !deadline.aborted) {
      total = await this.total(name);
      if (total === 0) await sleep(100);
    }
    return total;
  }

  async #get(path: string): Promise<Response | undefined> {
    return fetch(this.#url + path, { signal: AbortSignal.timeout(60_000) }).catch(() => undefined);
  }
}

test('50,000 entries through more than ten rotations and ten kill -9: each is counted once', async (context) => {
  if (!serverAvailable(context, 'systemd-journal-remote')) return;
  const folder = folderOf(context);
  const journal = join(folder, 'journal');
  mkdirSync(journal);
  // systemd derives the size of files from that of the disk: on a small one it rotates often.
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'none', journal]).status !== 0) {
    return context.skip('a small file system can only be mounted by root');
  }
  const lives = await Lives.create(context, folder, { journal: { enabled: true, paths: [journal], maxAge: '1h' } });
  await lives.start();
  const writer = new JournalWriter(context, join(journal, 'remote.journal'), ['--split-mode=none']);
  const entries = 50_000;
  const started = Date.now();
  let written = 0;
  let kills = 0;
  let last = 0;
  while (written < entries) {
    const part = Array.from({ length: 500 }, (_, index) => exportEntry(written + index, {}, Date.now() * 1000));
    await writer.write(part.join(''));
    written += part.length;
    if (kills < 10 && written >= (kills + 1) * 4500) {
      const seen = await lives.present('journal_messages_total');
      assert.ok(seen <= written, `${seen} counted of ${written}`);
      assert.ok(seen >= last, `${seen} after ${last}`);
      last = seen;
      await lives.kill('SIGKILL');
      kills++;
      await lives.start();
      const after = await lives.present('journal_messages_total');
      assert.ok(after >= last, `${after} after a restart, ${last} before`);
      last = after;
    }
  }
  await writer.end();
  let counted = 0;
  const deadline = AbortSignal.timeout(60_000);
  while (counted < entries && !deadline.aborted) {
    counted = await lives.total('journal_messages_total');
    await sleep(200);
  }
  const files = readdirSync(journal).length;
  context.diagnostic(`${files} files, ${kills} kills, ${Math.round((Date.now() - started) / 1000)} s`);
  assert.equal(counted, entries);
  assert.equal(await lives.total('journal_entries_lost_total'), 0);
  assert.ok(files > 10 && kills === 10);
});

/** A new cgroup with a memory limit; undefined if none can be created. */
function memoryCgroup(name: string): { procs: string; remove(): void } | undefined {
  const candidates = [
    { folder: join('/sys/fs/cgroup/memory', name), limit: 'memory.limit_in_bytes' },
    { folder: join('/sys/fs/cgroup', name), limit: 'memory.max' },
  ];
  for (const { folder, limit } of candidates) {
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    try {
      writeFileSync(join(folder, limit), String(16 * 1024 * 1024));
      const swap = join(folder, 'memory.swap.max');
      if (existsSync(swap)) writeFileSync(swap, '0');
      return { procs: join(folder, 'cgroup.procs'), remove: () => spawnSync('rmdir', [folder]) };
    } catch {
      spawnSync('rmdir', [folder]);
    }
  }
  return undefined;
}

test('a real OOM kill in a memory cgroup is counted once, with process and constraint', async (context) => {
  if (spawnSync('dmesg').status !== 0) return context.skip('the messages of the kernel cannot be read here');
  const cgroup = memoryCgroup(`firesteel-oom-${process.pid}`);
  if (cgroup === undefined) return context.skip('no memory cgroup can be created here');
  context.after(() => cgroup.remove());
  const folder = folderOf(context);
  const lives = await Lives.create(context, folder, { kernel: { enabled: true, source: 'kmsg' } });
  await lives.start();
  await lives.total('kernel_oom_kills_total');
  const command = `echo $$ > ${cgroup.procs} && exec tail /dev/zero`;
  const killed = spawnSync('sh', ['-c', command], { timeout: 120_000 });
  if (killed.signal !== 'SIGKILL')
    return context.skip(`the kernel did not kill it: ${killed.status} ${String(killed.stderr)}`);
  if (!/Killed process \d+ \(tail\)/.test(spawnSync('dmesg', { encoding: 'utf8' }).stdout)) {
    return context.skip('this kernel does not report OOM kills of cgroups to this namespace');
  }
  let kills = 0;
  for (let tries = 0; tries < 300 && kills === 0; tries++) {
    kills = await lives.total('kernel_oom_kills_total');
    await sleep(200);
  }
  assert.equal(kills, 1);
  assert.equal(await lives.total('problem_counter{reason="OOMKilling"}'), 1);
  await lives.kill('SIGKILL');
  await lives.start();
  assert.equal(await lives.total('kernel_oom_kills_total'), 1);
});

test('a real remount to read-only is counted once', async (context) => {
  const folder = folderOf(context);
  const mount = join(folder, 'journal');
  mkdirSync(mount);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', mount]).status !== 0) {
    return context.skip('only root can mount');
  }
  if (!readFileSync('/proc/1/mountinfo', 'utf8').includes(mount)) {
    return context.skip('the first process of this host does not see mounts from here');
  }
  const lives = await Lives.create(context, folder, { kernel: { enabled: true } });
  await lives.start();
  assert.equal(await lives.total('filesystem_readonly_transitions_total'), 0);
  assert.equal(spawnSync('mount', ['-o', 'remount,ro', mount]).status, 0);
  const name = `filesystem_readonly_transitions_total`;
  let transitions = 0;
  for (let tries = 0; tries < 300 && transitions === 0; tries++) {
    transitions = await lives.total(name);
    await sleep(200);
  }
  assert.equal(transitions, 1);
  // Each request is a separate collection.
  for (let again = 0; again < 3; again++) assert.equal(await lives.total(name), 1);
});
