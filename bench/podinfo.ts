import { type ChildProcess, fork } from 'node:child_process';
import { Agent, get } from 'node:http';
import { loadavg } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { POD_INFO_PATH } from '../src/kube/pod-info.ts';
import { nextMessage } from './kit/messages.ts';

/** Polling interval of node agents. */
const INTERVAL_S = 15;

/** A route of the server under test that does nothing: its latency is that of the machine and the HTTP server. */
const NOTHING = '/nothing';

interface Case {
  readonly name: string;
  readonly path: string;
  /** Whether the agents have the last response. */
  readonly knows: boolean;
  /** Changes of pods per second. */
  readonly changes: number;
}

const CASES: readonly Case[] = [
  { name: 'first request of every node', path: POD_INFO_PATH, knows: false, changes: 0 },
  { name: 'nothing changes (304)', path: POD_INFO_PATH, knows: true, changes: 0 },
  { name: '10 pods change a second', path: POD_INFO_PATH, knows: true, changes: 10 },
  { name: '100 pods change a second', path: POD_INFO_PATH, knows: true, changes: 100 },
  { name: 'full responses, cached (200)', path: POD_INFO_PATH, knows: false, changes: 0 },
];

/**
 * The state agent's API under the requests of all node agents at their usual rate, on the real HTTP server in a separate
 * process, each request on a new connection. Between any two of them a route that does nothing is requested, so that the
 * latency of the machine is measured in the same seconds. A case takes some rounds of 15 s; the best and the worst round's
 * p99 are printed. `made` is the part of a latency that is spent on building the response.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      pods: { type: 'string', default: '10000' },
      nodes: { type: 'string', default: '500' },
      rounds: { type: 'string', default: '4' },
    },
  });
  const nodes = Number(values.nodes);
  const rounds = Number(values.rounds);
  const server = fork(new URL('./kit/podinfo-server.ts', import.meta.url), [values.pods, values.nodes], {
    execArgv: ['--disable-warning=ExperimentalWarning', '--expose-gc'],
  });
  try {
    const { url, bytesPerPod } = await nextMessage<{ url: string; bytesPerPod: number }>(server);
    const perSecond = nodes / INTERVAL_S;
    console.log(`${values.pods} pods, ${nodes} nodes polling every ${INTERVAL_S} s (${perSecond.toFixed(1)}/s)`);
    console.log(`index: ${Math.round(bytesPerPod)} bytes per pod`);
    console.log(row('case', COLUMNS));
    const nodeAgents = Array.from({ length: nodes }, (_, index) => new NodeAgent(url, `node-${index}`));
    // The server's code is compiled by the first requests.
    await round(nodeAgents, NOTHING, false);
    for (const one of CASES) console.log(row(one.name, await measure(one, nodeAgents, server, rounds)));
  } finally {
    server.kill();
  }
}

const COLUMNS = [
  'p50 ms',
  'p99 best',
  'worst',
  'max',
  'nothing: p99 best',
  'worst',
  'made p99',
  'KB each',
  'CPU ms each',
  'RSS MiB',
  'load',
];

const row = (name: string, cells: readonly string[]): string =>
  [name.padEnd(30), ...cells.map((cell, column) => cell.padStart(COLUMNS[column]?.length ?? 0))].join('  ');

async function measure(
  { path, knows, changes }: Case,
  agents: readonly NodeAgent[],
  server: ChildProcess,
  rounds: number,
): Promise<string[]> {
  const before = await ask(server, changes);
  const made: Round[] = [];
  for (let count = 0; count < (knows ? rounds : 1); count++) made.push(await round(agents, path, knows));
  const after = await ask(server, 0);
  const answers = made.flatMap((one) => one.answers);
  const latencies = answers.map(({ ms }) => ms);
  const p99s = made.map((one) =>
    quantile(
      one.answers.map(({ ms }) => ms),
      0.99,
    ),
  );
  const nothings = made.map(({ nothing }) => quantile(nothing, 0.99));
  const bytes = answers.reduce((sum, answer) => sum + answer.bytes, 0) / answers.length;
  return [
    quantile(latencies, 0.5).toFixed(1),
    Math.min(...p99s).toFixed(1),
    Math.max(...p99s).toFixed(1),
    Math.max(...latencies).toFixed(1),
    Math.min(...nothings).toFixed(1),
    Math.max(...nothings).toFixed(1),
    quantile(after.spent, 0.99).toFixed(2),
    (bytes / 1024).toFixed(1),
    // For two requests, one of which did nothing.
    ((after.cpuMs - before.cpuMs) / answers.length / 2).toFixed(2),
    (after.rss / 2 ** 20).toFixed(0),
    (loadavg()[0] ?? 0).toFixed(1),
  ];
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

interface Used {
  readonly cpuMs: number;
  readonly rss: number;
  readonly spent: readonly number[];
}

/** Sets the rate of changes; returns what the server has used so far. */
async function ask(server: ChildProcess, changesPerSecond: number): Promise<Used> {
  server.send({ changesPerSecond });
  return nextMessage<Used>(server);
}

interface Answer {
  /** From the request to the last byte. */
  readonly ms: number;
  readonly bytes: number;
}

interface Round {
  readonly answers: readonly Answer[];
  /** Latencies of the idle route, milliseconds. */
  readonly nothing: readonly number[];
}

/** Lets each agent send one request, spread over the interval. */
async function round(agents: readonly NodeAgent[], path: string, knows: boolean): Promise<Round> {
  const gap = (INTERVAL_S * 1000) / agents.length;
  const start = performance.now();
  const answers: Promise<Answer>[] = [];
  const nothing: Promise<Answer>[] = [];
  for (const [index, agent] of agents.entries()) {
    await until(start + index * gap);
    answers.push(timed(() => agent.ask(path, knows)));
    await until(start + (index + 0.5) * gap);
    nothing.push(timed(() => agent.ask(NOTHING, false)));
  }
  return { answers: await Promise.all(answers), nothing: (await Promise.all(nothing)).map(({ ms }) => ms) };
}

async function until(time: number): Promise<void> {
  const wait = time - performance.now();
  if (wait > 0) await setTimeout(wait);
}

/** Measured from now: a late timer must not count for the server. */
async function timed(question: () => Promise<number>): Promise<Answer> {
  const began = performance.now();
  const bytes = await question();
  return { ms: performance.now() - began, bytes };
}

/** A node agent that remembers the ETag of its last response. */
class NodeAgent {
  readonly #url: string;
  readonly #name: string;
  readonly #agent = new Agent({ keepAlive: false });
  #etag = '';

  constructor(url: string, name: string) {
    this.#url = url;
    this.#name = name;
  }

  /** Sends a request; resolves to the number of bytes of the body. */
  ask(path: string, knows: boolean): Promise<number> {
    const headers = { 'accept-encoding': 'gzip', ...(knows && { 'if-none-match': this.#etag }) };
    return new Promise((resolve, reject) => {
      get(`${this.#url}${path}?nodeName=${this.#name}`, { agent: this.#agent, headers }, (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        response.on('end', () => {
          this.#etag = response.headers.etag ?? this.#etag;
          resolve(bytes);
        });
      }).on('error', reject);
    });
  }
}
