import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nextMessage } from './kit/messages.ts';
import type { RunReport, RunRequest } from './kit/probe-runner.ts';
import type { ProbeTargets } from './kit/probe-targets.ts';
import { cpuMs, memoryMib, startProgram } from './kit/processes.ts';

const THEIR_PORT = 19115;
/** Longer than any probe. */
const PROBE_MS = 20_000;
const AT_ONCE = 10;
const WARM_UP = 300;

const here = (name: string): string => fileURLToPath(new URL(`kit/${name}`, import.meta.url));

/** Starts a child process that ends with this process. */
function start(name: string): ChildProcess {
  const child = fork(here(name), [], {
    execArgv: ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=1'],
  });
  process.once('exit', () => child.kill());
  return child;
}

/**
 * Probes of a plain and of a TLS target, ten at a time: CPU of each with the task type http, and with Debian's
 * prometheus-blackbox-exporter (on PATH), requested over HTTP. Then a thousand probes in 30 s, with the longest
 * block of the event loop, and whether an agent without probes loads any of this.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { probes: { type: 'string', default: '2000' }, seconds: { type: 'string', default: '30' } },
  });
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-bench-probes-'));
  const children = ['probe-targets.ts', 'probe-runner.ts'].map(start) as [ChildProcess, ChildProcess];
  try {
    await measure(children, folder, Number(values.probes), Number(values.seconds));
  } finally {
    for (const child of children) child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(
  [targets, runner]: readonly [ChildProcess, ChildProcess],
  folder: string,
  probes: number,
  seconds: number,
): Promise<void> {
  const { plain, tls, caFile } = await nextMessage<ProbeTargets>(targets);
  await nextMessage(runner);
  const file = join(folder, 'blackbox.json');
  const module = { prober: 'http', http: { preferred_ip_protocol: 'ip4', tls_config: { ca_file: caFile } } };
  writeFileSync(file, JSON.stringify({ modules: { http: module } }));
  const blackbox = await startProgram(
    'prometheus-blackbox-exporter',
    [`--config.file=${file}`, `--web.listen-address=127.0.0.1:${THEIR_PORT}`, '--log.level=error'],
    `http://127.0.0.1:${THEIR_PORT}/-/healthy`,
  );
  const ask = (request: RunRequest): Promise<RunReport> => {
    runner.send(request);
    return nextMessage<RunReport>(runner);
  };
  try {
    for (const [name, url] of Object.entries({ plain, TLS: tls })) {
      await ask({ url, caFile, probes: WARM_UP, atOnce: AT_ONCE });
      await theirs(url, WARM_UP);
      const ours = await ask({ url, caFile, probes, atOnce: AT_ONCE });
      const before = cpuMs(blackbox.pid);
      const failures = await theirs(url, probes);
      const their = (cpuMs(blackbox.pid) - before) / probes;
      console.log(
        `${name.padEnd(6)} firesteel ${(ours.cpuMs / probes).toFixed(2)} ms CPU a probe, ${ours.failures} failed; ` +
          `blackbox_exporter ${their.toFixed(2)} ms, ${failures} failed`,
      );
    }
    const spread = await ask({ url: plain, caFile, probes: 1000, atOnce: AT_ONCE, overMs: seconds * 1000 });
    console.log(
      `1000 probes in ${(spread.tookMs / 1000).toFixed(1)} s: longest block of the event loop ${spread.longestBlockMs.toFixed(1)} ms ` +
        `(${spread.idleBlockMs.toFixed(1)} ms in an idle process), ${(spread.cpuMs / 1000).toFixed(2)} ms CPU each, ${spread.failures} failed`,
    );
    const memory = { ours: memoryMib(runner.pid ?? 0), theirs: memoryMib(blackbox.pid) };
    console.log(
      `RSS firesteel's bare runner ${memory.ours.rss.toFixed(1)} MiB (most of which the agent has without probes, too), blackbox_exporter ${memory.theirs.rss.toFixed(1)} MiB`,
    );
    console.log(`an agent without probes loads ${loadedProbeFiles()} files with the code of probes`);
  } finally {
    await blackbox.end();
  }
}

/** Requests probes of `url` from blackbox_exporter, ten at a time; returns how many failed. */
async function theirs(url: string, probes: number): Promise<number> {
  let failures = 0;
  let left = probes;
  const query = new URLSearchParams({ module: 'http', target: url });
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) {
        const signal = AbortSignal.timeout(PROBE_MS);
        const answer = await (await fetch(`http://127.0.0.1:${THEIR_PORT}/probe?${query}`, { signal })).text();
        if (!answer.includes('probe_success 1')) failures++;
      }
    }),
  );
  return failures;
}

/** Files of the bundle that its entry loads and that contain a family of probes. */
function loadedProbeFiles(): number {
  const dist = fileURLToPath(new URL('../dist/', import.meta.url));
  const seen = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [, path = ''] of text.matchAll(/(?:from|import)\s*"(\.[^"]+\.mjs)"/g)) visit(join(file, '..', path));
  };
  visit(join(dist, 'main.mjs'));
  return [...seen].filter((file) => readFileSync(file, 'utf8').includes('probe_http_status_code')).length;
}
