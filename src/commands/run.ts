import { createServer } from 'node:net';
import type { Config } from '../agent/agent.ts';
import { keepHeapSmall, releaseProgram, releaseProgramNow, shareMalloc } from '../agent/memory.ts';
import { v8Settings, workloadOf } from '../agent/v8-settings.ts';
import { wallMs } from '../base/clock.ts';
import { listenAt } from '../base/listen.ts';
import { createLog, type Log } from '../base/log.ts';
import type { Loaded } from '../config/load.ts';
import { watchEventLoop } from '../host/watchdog.ts';
import type { Command, Io } from './command.ts';
import { CONFIG_FLAGS, CONFIG_FLAGS_HELP, type Parsed, parseFlags } from './flags.ts';
import type { ShownReceiver } from './receive.ts';
import { loadInProcess, NoAnswer } from './settings-process.ts';

/** `firesteel run`, also the default. */
export const run: Command = {
  help: `usage: firesteel [run] [--config FILE] [flags]

Collects every push.interval and pushes to all configured exporters until SIGTERM or SIGINT; then collects and pushes
once more and exits. SIGHUP reloads the configuration. Logs go to standard error as JSON lines.

  --with-receiver          also start a receiver in this process, push to it every 5 s and show what arrives
${CONFIG_FLAGS_HELP}`,
  async run(args, io) {
    const { values } = parseFlags(args, { ...CONFIG_FLAGS, 'with-receiver': { type: 'boolean' } });
    const receiver = values['with-receiver'] === true ? await receiverHere(io) : undefined;
    try {
      if (receiver === undefined) return await runAgent(values, io);
      const towardsIt = towards(receiver, values, (await isFree(STATUS_PORT)) ? STATUS_PORT : 0);
      return await runAgent(towardsIt, io, (url) => receiver.note(`status page: ${url}`));
    } finally {
      await receiver?.close();
    }
  },
};

/** An agent without one does not load it. */
async function receiverHere(io: Io): Promise<ShownReceiver> {
  const { showReceiver } = await import('./receive.ts');
  return showReceiver('127.0.0.1', 0, io);
}

async function runAgent(values: Parsed['values'], io: Io, served?: (url: string) => void): Promise<number> {
  v8Settings.boundYoungSpace(process.execArgv, io.env.NODE_OPTIONS);
  shareMalloc();
  const [{ config, warnings }, { startAgent }] = await Promise.all([load(values, io.env), loadAgent()]);
  const log = createLog(config.log.level);
  watch(log);
  for (const warning of warnings) log.warn(warning);
  const agent = await startAgent(config, {
    log,
    now: wallMs,
    random: Math.random,
    env: io.env,
    loadConfig: async () => (await load(values, io.env)).config,
    onActive: (active) => v8Settings.suit(workloadOf(active)),
  });
  if (agent.url !== undefined) served?.(agent.url);
  if (!config.collectors.ksm.enabled) {
    keepHeapSmall(log);
  }
  releaseProgram(log, config.push.interval);
  // The agent logs why it rejects a configuration.
  io.events.addEventListener('reload', () => void agent.reload().catch(() => undefined));
  if (!io.stop.aborted) await new Promise((resolve) => io.stop.addEventListener('abort', resolve, { once: true }));
  await agent.stop();
  return 0;
}

/** Loads the agent, while another process reads the configuration, and then leaves the memory to that process. */
async function loadAgent() {
  const agent = await import('../agent/agent.ts');
  await releaseProgramNow();
  return agent;
}

/** The configuration, read by a separate process, or here if none can be started. Rejects with ConfigError. */
async function load(values: Parsed['values'], env: NodeJS.ProcessEnv): Promise<Loaded<Config>> {
  try {
    return await loadInProcess(values, env);
  } catch (cause) {
    if (!(cause instanceof NoAnswer)) throw cause;
    const { loadSettings } = await import('./settings.ts');
    const { config, warnings } = loadSettings(values, env);
    return { config, warnings: [...warnings, `${cause.message}; reading it in this process instead`] };
  }
}

/** Where system calls can't be made there is no watchdog. */
function watch(log: Log): void {
  try {
    watchEventLoop();
  } catch (cause) {
    log.debug({ err: cause }, 'no watchdog: nothing ends this process if its event loop is blocked');
  }
}

/** The address of the status page unless another process, such as an installed agent, uses it. */
const STATUS_PORT = 9750;

/** Whether a port of this host is free at the moment. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await listenAt(server, port, '127.0.0.1');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** Flags for pushing to the embedded receiver; flags given by the user take precedence. */
function towards(receiver: ShownReceiver, values: Parsed['values'], statusPort: number): Parsed['values'] {
  const set = [`exporters.embedded={type: vmagent, url: "${receiver.url}"}`, ...(values.set ?? [])];
  return {
    'push.interval': '5s',
    'push.phase': '0s',
    'http.listen': `127.0.0.1:${statusPort}`,
    'log.level': 'warn',
    ...values,
    set,
  };
}
