import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { createLog } from '../../src/base/log.ts';
import { type ClientLimits, KubeClient } from '../../src/kube/client.ts';
import { Connection } from '../../src/kube/connection.ts';
import { FailureLog } from '../../src/kube/failure-log.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { Reflector } from '../../src/kube/reflector.ts';
import type { ReflectorHandler, ReflectorSource } from '../../src/kube/reflector-source.ts';
import type { ReflectorTiming } from '../../src/kube/retry.ts';
import type { FakeApiServer } from '../kit/fake-api-server.ts';

export const PODS = '/api/v1/pods';

/** A minimal pod for the reflector. */
export const pod = (name: string, more: object = {}): KubeObject => ({
  metadata: { namespace: 'shop', name },
  ...more,
});

/** Waits until `condition` is true; fails after a minute. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within a minute: ${what}`);
    await setTimeout(1);
  }
}

/** A folder that is removed after the test. */
export function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-kube-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A client of the fake server with a kubeconfig on disk; `kubeconfig` is its path. */
export function clientOf(context: TestContext, server: FakeApiServer, limits: Partial<ClientLimits> = {}) {
  const kubeconfig = join(temporaryFolder(context), 'config');
  writeFileSync(kubeconfig, server.kubeconfig());
  const client = new KubeClient(new Connection(() => loadKubeConfig({ kubeconfig })), limits);
  context.after(() => client.close());
  return { client, kubeconfig };
}

/** A reflector on the fake server, with its results. */
export class Follower implements ReflectorHandler {
  readonly reflector: Reflector;
  readonly kubeconfig: string;
  readonly client: KubeClient;
  /** resourceVersion by key, as passed to the handler. */
  readonly objects = new Map<string, string>();
  /** Lines of the log. */
  readonly log: string[] = [];
  /** The delays that the reflector requested, in milliseconds. */
  readonly pauses: number[] = [];
  /** Called before an object is stored; may throw. */
  onObject: (key: string) => void = () => {};
  calls = 0;
  #gate = Promise.withResolvers<void>();

  constructor(
    context: TestContext,
    server: FakeApiServer,
    source: Partial<ReflectorSource> = {},
    timing: Partial<ReflectorTiming> = {},
    limits: Partial<ClientLimits> = {},
  ) {
    const { client, kubeconfig } = clientOf(context, server, limits);
    this.client = client;
    this.kubeconfig = kubeconfig;
    this.#gate.resolve();
    const sleep = async (ms: number, signal: AbortSignal) => {
      this.pauses.push(ms);
      await setImmediate();
      await Promise.race([this.#gate.promise, new Promise((resolve) => signal.addEventListener('abort', resolve))]);
    };
    const log = createLog('info', { write: (line) => this.log.push(line) });
    this.reflector = new Reflector(
      client,
      { path: PODS, kind: 'Pod', ...source },
      this,
      new FailureLog(log, timing.wallMs ?? Date.now),
      {
        wallMs: Date.now,
        random: () => 0.5,
        sleep,
        idleMs: 240_000,
        watchMs: 600_000,
        healthyMs: 60_000,
        ...timing,
      },
    );
    context.after(() => this.reflector.stop());
  }

  onUpsert(key: string, object: KubeObject): void {
    this.calls++;
    this.onObject(key);
    this.objects.set(key, object.metadata?.resourceVersion ?? '');
  }

  onDelete(key: string): void {
    this.calls++;
    this.onObject(key);
    this.objects.delete(key);
  }

  /** From now on every delay lasts until {@link release}. */
  hold(): void {
    this.#gate = Promise.withResolvers();
  }

  release(): void {
    this.#gate.resolve();
  }
}

/** The result of a fresh list of the collection: resourceVersion by key. */
export const listed = (server: FakeApiServer, path = PODS): Map<string, string> =>
  new Map(
    [...server.cluster.collection(path).objects].map(([key, { metadata }]) => [key, metadata?.resourceVersion ?? '']),
  );

/** Whether both are equal. */
export const same = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean =>
  one.size === other.size && [...one].every(([key, value]) => other.get(key) === value);
