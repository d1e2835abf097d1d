import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nextMessage } from './messages.ts';
import { startSink } from './processes.ts';

/** The pushes of the ksm group so far. */
export interface Pushes {
  count: number;
  bytes: number;
  /** By shard if the pushes name it, otherwise all under ''. */
  readonly firstMs: Map<string, number>;
}

/** The path for remote write; its suffix distinguishes the agents. */
export const WRITE_PATH = '/api/v1/write';

/** A synthetic cluster behind an API server, and a receiver. */
export interface KsmScene {
  readonly url: string;
  readonly apiUrl: string;
  readonly pushes: Pushes;
  /** Received requests of any group. */
  readonly bodies: number;
  /** The size of the last body of each group, by the path of its job. */
  readonly lastBytes: ReadonlyMap<string, number>;
  /** Bytes received over remote write, by path. */
  readonly writes: ReadonlyMap<string, number>;
  /** Sets the number of pod events per second. */
  pace(eventsPerSecond: number): void;
  /** The paths that are being watched. */
  watched(): Promise<readonly string[]>;
  /** The flags of an agent with only the ksm collector, listening at `listen`. */
  flags(intervalSeconds: number, settings?: readonly string[], listen?: string): string[];
  close(): void;
}

/** Starts the API server, in a separate process, with `pods` pods, and the receiver. */
export async function startKsmScene(pods: number): Promise<KsmScene> {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-bench-'));
  const api = fork(new URL('ksm-api.ts', import.meta.url), [String(pods)], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const pushes: Pushes = { count: 0, bytes: 0, firstMs: new Map() };
  const writes = new Map<string, number>();
  const lastBytes = new Map<string, number>();
  const sink = await startSink((path, bytes) => {
    if (path.startsWith(WRITE_PATH)) writes.set(path, (writes.get(path) ?? 0) + bytes);
    const [group = ''] = path.split('?');
    if (group.includes('/job/')) lastBytes.set(group, bytes);
    const [, job] = /\/job\/kube-state-metrics(.*)/.exec(path) ?? [];
    if (job === undefined) return;
    pushes.count++;
    pushes.bytes += bytes;
    if (!pushes.firstMs.has(job)) pushes.firstMs.set(job, performance.now());
  });
  const { kubeconfig, url: apiUrl } = await nextMessage<{ kubeconfig: string; url: string }>(api);
  const file = join(folder, 'kubeconfig');
  writeFileSync(file, kubeconfig);
  const common = [
    'collectors.node.enabled=false',
    'collectors.container.enabled=false',
    'collectors.process.enabled=false',
    'collectors.ksm.enabled=true',
    `collectors.ksm.kubeconfig=${file}`,
  ];
  return {
    url: sink.url,
    apiUrl,
    pushes,
    lastBytes,
    writes,
    get bodies() {
      return sink.bodies;
    },
    pace: (eventsPerSecond) => void api.send({ eventsPerSecond }),
    async watched() {
      api.send('watches');
      return (await nextMessage<{ watched: readonly string[] }>(api)).watched;
    },
    flags(intervalSeconds, settings = [], listen = '127.0.0.1:0') {
      const flags = ['--push.interval', `${intervalSeconds}s`, '--http.listen', listen, '--log.level', 'error'];
      return [...flags, ...[...common, ...settings].flatMap((setting) => ['--set', setting])];
    },
    close() {
      api.kill();
      sink.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Whether the agent at `listen` has listed everything: until then it may push partial data, after a minute. */
export const isReady = (listen: string): Promise<boolean> =>
  fetch(`http://${listen}/readyz`, { signal: AbortSignal.timeout(5000) }).then(
    ({ ok }) => ok,
    () => false,
  );

/** A figure and its budget, if it has one. */
export function judged(value: number, unit: string, budget?: number, digits = 0): string {
  const text = `${value.toFixed(digits)} ${unit}`;
  if (budget === undefined) return text;
  return `${text} (budget ${budget}${value > budget ? ', NOT MET' : ''})`;
}
