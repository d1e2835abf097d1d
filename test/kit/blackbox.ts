import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { cleanUp } from './clean-up.ts';
import { startServer } from './servers.ts';

/** A running blackbox_exporter. */
export interface Blackbox {
  readonly url: string;
  /** Its response for a target. */
  probe(module: string, target: string): Promise<string>;
}

/** Starts Debian's prometheus-blackbox-exporter with `modules`, a configuration as JSON; it ends with the test. */
export async function startBlackbox(context: TestContext, folder: string, modules: object): Promise<Blackbox> {
  const file = join(folder, 'blackbox.json');
  writeFileSync(file, JSON.stringify({ modules }));
  const url = await startServer(
    context,
    'prometheus-blackbox-exporter',
    (port) => [`--config.file=${file}`, `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'],
    '/-/healthy',
  );
  return {
    url,
    async probe(module, target) {
      const query = new URLSearchParams({ module, target });
      const answer = await fetch(`${url}/probe?${query}`, { signal: AbortSignal.timeout(60_000) });
      return answer.text();
    },
  };
}

/** Starts a Debian program, which may be unpacked with its libraries instead of installed; it ends with the test. */
export function startUnpacked(context: TestContext, program: string, args: readonly string[]): ChildProcess {
  const { LD_LIBRARY_PATH_PEERS: libraries, ...env } = process.env;
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...env, ...(libraries !== undefined && { LD_LIBRARY_PATH: libraries }) },
  });
  child.stderr.resume();
  const ended = once(child, 'close');
  cleanUp(context, () => {
    child.kill('SIGKILL');
    return ended;
  });
  return child;
}
