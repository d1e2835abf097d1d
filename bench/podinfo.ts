import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { POD_INFO_PATH } from '../src/kube/pod-info.ts';

/** Node agents ask so often. */
const INTERVAL_S = 15;

interface Case {
  readonly name: string;
  readonly path: string;
  /** Whether the agents know the last answer. */
  readonly knows: boolean;
  /** Changes of pods per second of the cluster's time. */
  readonly changes: number;
}

const CASES: readonly Case[] = [
  { name: 'a route that does nothing', path: '/nothing', knows: false, changes: 0 },
  { name: 'first question of every node', path: POD_INFO_PATH, knows: false, changes: 0 },
  { name: 'nothing changes (304)', path: POD_INFO_PATH, knows: true, changes: 0 },
  { name: '10 pods change a second', path: POD_INFO_PATH, knows: true, changes: 10 },
  { name: '100 pods change a second', path: POD_INFO_PATH, knows: true, changes: 100 },
  { name: 'whole answers, kept (200)', path: POD_INFO_PATH, knows: false, changes: 0 },
];

/**
 * The state agent's API under the questions of all node agents, on the real HTTP server in a process of its own, each
 * question on a new connection. Time is compressed: `--speedup 10` lets a minute pass in six seconds. `made`
 * is the part of a latency that the answer itself takes; the first row is what machine and HTTP server take anyway.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      pods: { type: 'string', default: '10000' },
      nodes: { type: 'string', default: '500' },
      speedup: { type: 'string', default: '10' },
      rounds: { type: 'string', default: '4' },
    },
  });
  const nodes = Number(values.nodes);
  const speedup = Number(values.speedup);
  const rounds = Number(values.rounds);
  const server = fork(new URL('./kit/podinfo-server.ts', import.meta.url), [values.pods, values.nodes], {
    execArgv: ['--disable-warning=ExperimentalWarning', '--expose-gc'],
  });
  try {
    const [{ url, bytesPerPod }] = (await once(server, 'message')) as [{ url: string; bytesPerPod: number }];
    const perSecond = nodes / INTERVAL_S;
    console.log(
      `${values.pods} pods, ${nodes} nodes asking every ${INTERVAL_S} s (${perSecond.toFixed(1)}/s), time runs ${speedup} times as fast`,
    );
    console.log(`index: ${Math.round(bytesPerPod)} bytes of heap per pod`);
    console.log(row('case', COLUMNS));
    const nodeAgents = Array.from({ length: nodes }, (_, index) => new NodeAgent(url, `node-${index}`));
    const intervalMs = (INTERVAL_S * 1000) / speedup;
    await questions(nodeAgents, '/nothing', false, intervalMs, 1);
    for (const { name, path, knows, changes } of CASES) {
      const before = await ask(server, changes * speedup);
      const answers = await questions(nodeAgents, path, knows, intervalMs, knows ? rounds : 1);
      const after = await ask(server, 0);
      const cpuMs = (after.cpuMs - before.cpuMs) / answers.length;
      const bytes = answers.reduce((sum, answer) => sum + answer.bytes, 0) / answers.length;
      const latencies = answers.map(({ ms }) => ms);
      const numbers = [
        ...[0.5, 0.99, 1].map((part) => quantile(latencies, part).toFixed(1)),
        quantile(after.spent, 0.99).toFixed(2),
        (bytes / 1024).toFixed(1),
        cpuMs.toFixed(2),
        ((cpuMs * perSecond) / 10).toFixed(1),
        (after.rss / 2 ** 20).toFixed(0),
      ];
      console.log(row(name, numbers));
    }
  } finally {
    server.kill();
  }
}

const COLUMNS = ['p50 ms', 'p99 ms', 'max ms', 'made p99 ms', 'KB each', 'CPU ms each', 'CPU %', 'RSS MiB'];

const row = (name: string, cells: readonly string[]): string =>
  [name.padEnd(30), ...cells.map((cell, column) => cell.padStart(COLUMNS[column]?.length ?? 0))].join('  ');

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

interface Used {
  readonly cpuMs: number;
  readonly rss: number;
  readonly spent: readonly number[];
}

/** Sets the pace of changes; gives what the server has used so far. */
async function ask(server: ChildProcess, changesPerSecond: number): Promise<Used> {
  server.send({ changesPerSecond });
  const [used] = (await once(server, 'message')) as [Used];
  return used;
}

interface Answer {
  /** From the question to the last byte. */
  readonly ms: number;
  readonly bytes: number;
}

/** Lets each agent ask `rounds` times, spread over the interval. */
async function questions(
  agents: readonly NodeAgent[],
  path: string,
  knows: boolean,
  intervalMs: number,
  rounds: number,
): Promise<Answer[]> {
  const start = performance.now();
  const answers: Promise<Answer>[] = [];
  for (let question = 0; question < agents.length * rounds; question++) {
    const due = start + (question / agents.length) * intervalMs;
    const wait = due - performance.now();
    if (wait > 0) await setTimeout(wait);
    const agent = agents[question % agents.length] as NodeAgent;
    // A timer may be late; that is not the server's fault.
    const began = performance.now();
    answers.push(agent.ask(path, knows).then((bytes) => ({ ms: performance.now() - began, bytes })));
  }
  return Promise.all(answers);
}

/** A node agent that remembers the tag of its last answer. */
class NodeAgent {
  readonly #url: string;
  readonly #name: string;
  readonly #agent = new Agent({ keepAlive: false });
  #etag = '';

  constructor(url: string, name: string) {
    this.#url = url;
    this.#name = name;
  }

  /** Asks; resolves to the number of bytes of the body. */
  ask(path: string, knows: boolean): Promise<number> {
    const headers = { 'accept-encoding': 'gzip', ...(knows && { 'if-none-match': this.#etag }) };
    return new Promise((resolve, reject) => {
      get(`${this.#url}${path}?nodeName=${this.#name}`, { agent: this.#agent, headers }, (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        response.on('end', () => {
          this.#etag = response.headers.etag ?? '';
          resolve(bytes);
        });
      }).on('error', reject);
    });
  }
}
