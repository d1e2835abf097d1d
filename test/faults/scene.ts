import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentProcess, startAgentProcess } from '../kit/agent.ts';
import { type FaultProxy, startFaultProxy } from '../kit/fault-proxy.ts';
import { createPrometheus } from '../kit/prometheus.ts';
import { type Random, randomFrom } from '../kit/random.ts';
import { samplesOf } from '../kit/samples.ts';
import { RealServer } from '../kit/servers.ts';
import { exported, type Findings, findings, queried } from './findings.ts';
import { KnownValues } from './known-values.ts';
import { Witness } from './witness.ts';

/** The exporter of the agent that pushes through the proxy to VictoriaMetrics. */
export const EXPORTER = 'victoria';

export interface SceneOptions {
  /** Known series; 200 by default. */
  readonly series?: number;
  /** Settings of the spool; by default those of the agent. */
  readonly spool?: { readonly path?: string; readonly maxBytes?: string; readonly maxAge?: string };
  /** The receiver; VictoriaMetrics by default. */
  readonly receiver?: ReceiverKind;
  /** The exporter for the receiver at `url`; by default the text import of VictoriaMetrics. */
  readonly exporter?: (url: string) => object;
  /** Additional exporters. */
  readonly exporters?: Readonly<Record<string, object>>;
  /** Flags for the agent's Node. */
  readonly nodeFlags?: readonly string[];
  /** Environment of the agent. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The real servers that a scene may have as its receiver. */
export type ReceiverKind = 'victoria-metrics' | 'prometheus';

/** A receiver with its data in `folder`. */
function createReceiver(kind: ReceiverKind, folder: string): Promise<RealServer> {
  if (kind === 'victoria-metrics') {
    return RealServer.create(
      kind,
      // No -dedup.minScrapeInterval: it would hide duplicates, and truncated numbers next to complete ones.
      (port) => [`-httpListenAddr=127.0.0.1:${port}`, `-storageDataPath=${folder}/victoria-metrics`],
      '/health',
    );
  }
  return createPrometheus(folder);
}

/** A real receiver behind a faulty proxy, an agent that pushes known values to it, and a witness. */
export class Scene {
  readonly folder: string;
  readonly receiver: RealServer;
  readonly proxy: FaultProxy;
  readonly witness: Witness;
  readonly known: KnownValues;
  readonly random: Random;
  readonly spoolFolder: string;
  readonly #context: TestContext;
  readonly #kind: ReceiverKind;
  readonly #configFile: string;
  readonly #config: { readonly exporters: Readonly<Record<string, object>> };
  readonly #nodeFlags: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  #agent: AgentProcess | undefined;
  #url = '';

  /** Starts everything except the agent. */
  static async start(context: TestContext, options: SceneOptions = {}): Promise<Scene> {
    const folder = mkdtempSync(join(tmpdir(), 'firesteel-faults-'));
    const receiver = await createReceiver(options.receiver ?? 'victoria-metrics', folder);
    await receiver.start();
    const proxy = await startFaultProxy(receiver.port, true);
    const scene = new Scene(context, folder, receiver, proxy, await Witness.start(), options);
    // In this order nothing writes to a removed folder, or waits for a stopped process.
    context.after(async () => {
      await scene.killAgent();
      scene.known.close();
      scene.witness.close();
      await proxy.close();
      await receiver.stop('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    });
    return scene;
  }

  private constructor(
    context: TestContext,
    folder: string,
    receiver: RealServer,
    proxy: FaultProxy,
    witness: Witness,
    { series = 200, spool = {}, exporter, exporters = {}, nodeFlags = [], env = {}, receiver: kind }: SceneOptions,
  ) {
    this.#kind = kind ?? 'victoria-metrics';
    this.#context = context;
    this.#nodeFlags = nodeFlags;
    this.#env = env;
    this.folder = folder;
    this.receiver = receiver;
    this.proxy = proxy;
    this.witness = witness;
    const textfiles = join(folder, 'textfiles');
    mkdirSync(textfiles);
    this.known = new KnownValues(textfiles, series);
    this.spoolFolder = spool.path ?? join(folder, 'spool');
    const seed = process.env.FAULTS_SEED ?? 'firesteel';
    this.random = randomFrom(seed);
    context.diagnostic(`random numbers from FAULTS_SEED=${seed}`);
    this.#configFile = join(folder, 'firesteel.yaml');
    const config = {
      node: 'worker-1',
      push: { interval: '1s', phase: '0s' },
      http: { listen: '127.0.0.1:0' },
      collectors: {
        node: { include: ['textfile'], textfile: { directory: textfiles } },
        container: { enabled: false },
        process: { enabled: false },
      },
      spool: { ...spool, path: this.spoolFolder },
      exporters: {
        [EXPORTER]: exporter?.(proxy.url) ?? { type: 'vmagent', url: proxy.url },
        witness: { type: 'vmagent', url: witness.url },
        ...exporters,
      },
    };
    this.#config = config;
    writeFileSync(this.#configFile, JSON.stringify(config));
  }

  /** Changes the exporters of the agent like an operator: in the file, with SIGHUP. */
  reconfigure(exporters: Readonly<Record<string, object>>): void {
    const config = { ...this.#config, exporters: { ...this.#config.exporters, ...exporters } };
    writeFileSync(this.#configFile, JSON.stringify(config));
    this.#agent?.child.kill('SIGHUP');
  }

  /** Starts the agent, and waits until it has pushed the first cycle to the witness. */
  async startAgent(): Promise<AgentProcess> {
    const before = this.witness.bodies.length;
    const agent = startAgentProcess(this.#context, ['run', '--config', this.#configFile], this.#env, this.#nodeFlags);
    this.#agent = agent;
    await agent.printed(/"msg":"started"/);
    this.#url = /"http":"([^"]+)"/.exec(agent.stderr())?.[1] ?? '';
    await this.until('the first cycle', () => this.witness.bodies.length > before);
    return agent;
  }

  /** SIGTERM; returns the exit code and the duration of the shutdown in milliseconds. */
  async stopAgent(): Promise<{ code: number | null; ms: number }> {
    const started = performance.now();
    this.#agent?.child.kill('SIGTERM');
    const code = (await this.#agent?.ended)?.code ?? null;
    return { code, ms: performance.now() - started };
  }

  async killAgent(): Promise<void> {
    this.#agent?.child.kill('SIGKILL');
    await this.#agent?.ended;
  }

  /** The log of the agent so far. */
  get log(): string {
    return this.#agent?.stderr() ?? '';
  }

  /** Waits until `condition` is true; rejects after `milliseconds` with a description of the condition. */
  async until(what: string, condition: () => boolean | Promise<boolean>, milliseconds = 60_000): Promise<void> {
    const deadline = performance.now() + milliseconds;
    while (!(await condition())) {
      if (performance.now() > deadline) {
        throw new Error(
          `waited ${milliseconds} ms for ${what}; the agent's log:\n${this.#agent?.stderr().slice(-3000)}`,
        );
      }
      await sleep(50);
    }
  }

  /** Waits for this number of further cycles. */
  async cycles(count: number): Promise<void> {
    const seen = () => new Set(this.witness.bodies.map(({ stampMs }) => stampMs)).size;
    const wanted = seen() + count;
    await this.until(`${count} cycles`, () => seen() >= wanted, count * 3000 + 20_000);
  }

  /** A self metric of the agent for the tested exporter, summed over the series with `label`; 0 if there is none. */
  async own(name: string, exporter = EXPORTER, label = ''): Promise<number> {
    const response = await fetch(`${this.#url}/metrics`, { signal: AbortSignal.timeout(60_000) });
    let sum = 0;
    for (const [series, value] of samplesOf(await response.text())) {
      if (series.startsWith(`${name}{`) && series.includes(`exporter="${exporter}"`) && series.includes(label))
        sum += value;
    }
    return sum;
  }

  /** Waits until nothing is queued for the tested exporter, in memory or on disk. */
  async drained(milliseconds = 150_000): Promise<void> {
    await this.until(
      'the queue to be empty',
      async () => this.spooled().length === 0 && (await this.own('firesteel_export_queue_bodies')) === 0,
      milliseconds,
    );
  }

  /** The paths of the batches on disk for the tested exporter. */
  spooled(): string[] {
    const folder = join(this.spoolFolder, EXPORTER);
    if (!existsSync(folder)) return [];
    const bodies = readdirSync(folder).filter((name) => name.endsWith('.body') && !name.startsWith('.'));
    return bodies.map((name) => join(folder, name)).sort();
  }

  /** The stored data of the receiver compared with the collected data, for an agent whose clock was wrong by `skewsMs`. */
  findings(skewsMs: readonly number[] = [0]): Promise<Findings> {
    const read = this.#kind === 'prometheus' ? queried : exported;
    return findings(this.receiver.url, this.witness.bodies, this.known, skewsMs, undefined, read);
  }
}

/** A summary of the findings in one line. */
export const summary = (found: Findings): string =>
  [
    `${found.cycles} cycles with ${found.collected} samples`,
    `missing ${found.missing.length} bodies with ${found.missingSamples} samples`,
    `${found.wrong.length} wrong values`,
    `${found.duplicates} stored twice`,
    `${found.unwitnessed} unwitnessed`,
  ].join(', ');
