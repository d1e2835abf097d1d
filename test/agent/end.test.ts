import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startAgentProcess } from '../kit/agent.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';
import { hungReceiver } from '../kit/hung-receiver.ts';
import { startNameServer } from '../kit/name-server.ts';
import { AS_FIRST, canBeFirst, firstOf } from '../kit/pid-namespace.ts';
import { canReplaceFiles, within } from '../kit/resolv-conf.ts';
import { signalsReceived } from '../kit/signals.ts';

/** Addresses that only this test uses, one per name server, so that port 53 is free. */
const nameServers = ['127.0.0.77', '127.0.0.78', '127.0.0.79'];
const STUCK_LOOP = fileURLToPath(new URL('../kit/stuck-loop.mjs', import.meta.url));
const LONGEST_END_MS = 6000;

interface State {
  readonly config: object;
  /** True once the agent waits for what never responds. */
  readonly reached: (log: string) => boolean;
  /** The command that starts the agent. */
  readonly within?: readonly string[];
  /** A program that is loaded before it, with this environment. */
  readonly preload?: string;
  readonly env?: NodeJS.ProcessEnv;
}

const started = (log: string) => log.includes('"msg":"started"');
const fifo = (path: string) => assert.equal(spawnSync('mkfifo', [path]).status, 0);
const vmagent = (url: string) => ({ type: 'vmagent', compression: 'gzip', url });

/** Scenarios in which something never responds; undefined if the machine does not allow them. */
const STATES: Readonly<Record<string, (t: TestContext, folder: string) => Promise<State | undefined>>> = {
  async 'a pipe in the folder of the spool'(t, folder) {
    const own = join(folder, 'spool', 'vm');
    mkdirSync(own, { recursive: true });
    for (const name of ['000000000003000-worker-1-1.body', '.tmp-x', 'lock']) fifo(join(own, name));
    const exporters = { vm: vmagent(await hungReceiver(t)) };
    return { config: { spool: { path: join(folder, 'spool') }, exporters }, reached: started };
  },
  async 'a pipe as the folder of the spool'(t, folder) {
    fifo(join(folder, 'spool'));
    const exporters = { vm: vmagent(await hungReceiver(t)) };
    return { config: { spool: { path: join(folder, 'spool') }, exporters }, reached: started };
  },
  async 'a pipe as textfile'(_, folder) {
    mkdirSync(join(folder, 'text'));
    fifo(join(folder, 'text', 'a.prom'));
    const node = { include: ['textfile'], textfile: { directory: join(folder, 'text') } };
    return { config: { collectors: { node } }, reached: (log) => log.includes('textfile') };
  },
  async 'a pipe as /proc/loadavg'(_, folder) {
    const procfs = join(folder, 'proc');
    cpSync(fixture('node/proc'), procfs, { recursive: true, verbatimSymlinks: true });
    rmSync(join(procfs, 'loadavg'));
    fifo(join(procfs, 'loadavg'));
    return { config: { paths: { procfs } }, reached: (log) => log.includes('loadavg') };
  },
  async 'a receiver that never responds'(t) {
    return { config: { exporters: { vm: vmagent(await hungReceiver(t)) } }, reached: started };
  },
  async 'a name server that never responds'(t, folder) {
    const nameServer = nameServers.pop() ?? '';
    const resolvConf = join(folder, 'resolv.conf');
    writeFileSync(resolvConf, `nameserver ${nameServer}\n`);
    if (!canReplaceFiles(t, resolvConf, nameServer)) return undefined;
    const server = await startNameServer(t, { 'silent.example': 'silent' }, nameServer, 53);
    const exporters = { vm: vmagent('http://silent.example:8428') };
    return { config: { exporters }, reached: () => server.questions.length > 0, within: within(resolvConf) };
  },
  async 'an API server that never responds'(t, folder) {
    const kubeconfig = join(folder, 'kubeconfig');
    const named = (name: string, what: object) => [{ name, ...what }];
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: named('c', { cluster: { server: await hungReceiver(t) } }),
        users: named('u', { user: { token: 'x' } }),
        contexts: named('x', { context: { cluster: 'c', user: 'u' } }),
        'current-context': 'x',
      }),
    );
    return { config: { collectors: { ksm: { enabled: true, kubeconfig } } }, reached: started };
  },
};

/** Scenarios in which no code of the agent can end it. */
const STUCK: typeof STATES = {
  async 'a blocked event loop'(_, folder) {
    const flag = join(folder, 'stuck');
    const reached = (log: string) => {
      if (started(log)) writeFileSync(flag, '');
      return log.includes('stuck\n');
    };
    return { config: {}, reached, preload: STUCK_LOOP, env: { STUCK_FLAG: flag } };
  },
  async 'an event loop that is blocked during shutdown'() {
    return { config: {}, reached: started, preload: STUCK_LOOP, env: { STUCK_AT_END: '1' } };
  },
};

suite('the agent shuts down whatever it is waiting for', { concurrency: 3, timeout: 240_000 }, () => {
  for (const [what, state] of Object.entries(STATES)) test(`${what}: by SIGTERM`, (t) => ends(t, state, 1));
  for (const [what, state] of Object.entries({ ...STATES, ...STUCK })) {
    test(`${what}: by SIGTERM and SIGTERM`, (t) => ends(t, state, 2));
    test(`${what}: by SIGTERM and SIGTERM as the first process of its container`, async (t) => {
      if (canBeFirst(t)) await ends(t, state, 2, true);
    });
  }
});

async function ends(
  t: TestContext,
  make: (typeof STATES)[string],
  signals: number,
  isFirst: boolean = false,
): Promise<void> {
  const folder = scratchFolder(t);
  const state = await make(t, folder);
  if (state === undefined) return;
  const file = join(folder, 'config.json');
  const common = {
    node: 'worker-1',
    push: { interval: '1s', phase: '0s' },
    http: { enabled: false },
  };
  const { collectors = {} } = state.config as { collectors?: object };
  const few = { node: { include: ['loadavg'] }, container: { enabled: false }, process: { enabled: false } };
  writeFileSync(file, JSON.stringify({ ...common, ...state.config, collectors: { ...few, ...collectors } }));
  const preload = state.preload === undefined ? [] : ['--import', state.preload];
  const around = [...(isFirst ? AS_FIRST : []), ...(state.within ?? [])];
  const agent = startAgentProcess(t, ['run', '--config', file], state.env, preload, around);
  let over = false;
  void agent.ended.then(() => {
    over = true;
  });
  const deadline = performance.now() + 60_000;
  while (!state.reached(agent.stderr()) && !over) {
    assert.ok(performance.now() < deadline, `not in this state: ${agent.stderr()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal(over, false, agent.stderr());
  // Some cycles, so that work is in progress. No state has a sign of it that can be awaited in all of them (some block
  // the event loop, some everything that is written); fewer cycles on a busy machine are no failure.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const began = performance.now();
  const { pid = 0 } = agent.child;
  const target = isFirst ? firstOf(pid) : pid;
  process.kill(target, 'SIGTERM');
  if (signals === 2) {
    await signalsReceived(target);
    if (!over) process.kill(target, 'SIGTERM');
  }
  const { code, signal } = await agent.ended;
  const ms = Math.round(performance.now() - began);
  t.diagnostic(`ended with ${code ?? signal} after ${ms} ms`);
  assert.ok(ms <= LONGEST_END_MS, `it took ${ms} ms: ${agent.stderr()}`);
  // The second one ends it immediately: through the kernel or, for the first process of a namespace, in native code.
  const byHand = signals === 2 && (code === 1 || signal === 'SIGTERM');
  assert.ok(code === 0 || byHand, `${code} ${signal}: ${agent.stderr()}`);
}
