import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cleanUp } from './clean-up.ts';

/** The bundle as installed on nodes; FIRESTEEL_BUNDLE names another one. */
export const BUNDLE =
  process.env.FIRESTEEL_BUNDLE ?? fileURLToPath(new URL('../../dist/firesteel.mjs', import.meta.url));

/** A firesteel process. */
export interface AgentProcess {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Waits until `pattern` is in its output (both streams); rejects after `milliseconds`, or when the process exits. */
  printed(pattern: RegExp, milliseconds?: number): Promise<void>;
  /** Its exit code and signal, once it has exited. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/**
 * Starts the built bundle with `args`, and Node with `nodeFlags`; killed after the test if it is still running. `within` is a
 * command that executes the following one, such as unshare; `script` replaces the bundle.
 */
export function startAgentProcess(
  context: TestContext,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  nodeFlags: readonly string[] = [],
  within: readonly string[] = [],
  script = BUNDLE,
): AgentProcess {
  if (!existsSync(script)) throw new Error(`${script} is not built: run "npm run build"`);
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', ...nodeFlags];
  const [program = '', ...rest] = [...within, ...node, script, ...args];
  const child = spawn(program, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, TZ: 'UTC', ...env },
  });
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => {
    output.stdout += chunk;
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    output.stderr += chunk;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  cleanUp(context, async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    child,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    ended,
    async printed(pattern, milliseconds = 60_000) {
      const deadline = AbortSignal.timeout(milliseconds);
      while (!pattern.test(output.stdout + output.stderr)) {
        if (deadline.aborted || child.exitCode !== null) {
          throw new Error(`${pattern} was not printed; stdout: ${output.stdout}\nstderr: ${output.stderr}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}
