import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readImageConfig } from '../scripts/image-config.ts';
import { cpuMs, startSink } from './kit/processes.ts';

const PROJECT = new URL('..', import.meta.url).pathname;

/**
 * From exec to the first push that was received completely: time, and CPU of the agent and of the process that reads its
 * configuration. The agent runs as the image starts it: the same Node, options, environment and compile cache. `--root`
 * names an existing image root (`npm run image-root DIR`); several are started alternately.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { root: { type: 'string', multiple: true }, starts: { type: 'string', default: '10' } },
  });
  const made = values.root === undefined ? layOut() : undefined;
  const starts = new Map((values.root ?? [made as string]).map((root) => [root, [] as Start[]]));
  try {
    for (let count = 0; count < Number(values.starts); count++) {
      for (const [root, done] of starts) done.push(await startOnce(root));
    }
    for (const [root, done] of starts) {
      console.log(`${root}: to the first push, ${done.length} starts`);
      console.log(
        line(
          'time',
          done.map(({ wallMs }) => wallMs),
        ),
      );
      console.log(
        line(
          'CPU',
          done.map(({ cpuMs }) => cpuMs),
        ),
      );
    }
  } finally {
    if (made !== undefined) rmSync(made, { recursive: true, force: true });
  }
}

function line(name: string, figures: readonly number[]): string {
  const sorted = figures.toSorted((one, other) => one - other).map((figure) => figure.toFixed(0));
  return `  ${name.padEnd(5)} ${sorted[0]} ms at least, ${sorted[sorted.length >> 1]} in the median, ${sorted.at(-1)} at most`;
}

/** The image's files in a temporary folder. */
function layOut(): string {
  const root = mkdtempSync(join(tmpdir(), 'firesteel-image-'));
  const command = ['--disable-warning=ExperimentalWarning', join(PROJECT, 'scripts/image-root.ts'), root];
  execFileSync(process.execPath, command, { stdio: ['ignore', 'ignore', 'inherit'] });
  return root;
}

/** The cost of a start until its first push has arrived. */
interface Start {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Longer than any start. */
const PATIENCE_MS = 60_000;

async function startOnce(root: string): Promise<Start> {
  const { entrypoint, env } = readImageConfig(readFileSync(join(PROJECT, 'Dockerfile'), 'utf8'));
  const [node = '', ...flags] = entrypoint;
  const bundle = flags.pop() as string;
  const arrived = Promise.withResolvers<void>();
  const sink = await startSink(() => arrived.resolve());
  const ownEnv = { ...process.env, ...env, NODE_COMPILE_CACHE: join(root, env.NODE_COMPILE_CACHE as string) };
  const push = ['run', '--vmagent.url', sink.url, '--http.listen', '127.0.0.1:0', '--log.level', 'error'];
  const startedAt = performance.now();
  const agent = spawn(join(root, node), [...flags, join(root, bundle), ...push], {
    env: { ...ownEnv, PATH: process.env.PATH },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(agent, 'exit');
  const patience = setTimeout(() => arrived.reject(new Error(`no push within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  try {
    await Promise.race([arrived.promise, ended.then(() => Promise.reject(new Error('the agent ended')))]);
    return { wallMs: performance.now() - startedAt, cpuMs: cpuMs(agent.pid as number, true) };
  } finally {
    clearTimeout(patience);
    agent.kill('SIGKILL');
    await ended;
    sink.close();
  }
}
