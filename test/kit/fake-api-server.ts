import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { Server as TlsServer } from 'node:tls';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { KubeObject } from '../../src/kube/object.ts';
import { type FakeRequest, parseRequest, type RequestKind, selected } from './fake-api-request.ts';
import { discoveryOf, partial, readJson, refusal, review, send } from './fake-api-responses.ts';
import { FakeCluster, type FakeCollection, keyOf } from './fake-cluster.ts';
import { FakeWatch } from './fake-watch.ts';
import { fixture } from './host-tree.ts';

/** A response instead of the correct one; `reset` breaks the connection, `silence` never responds. */
export type Fault = { status: number; body?: string; headers?: Record<string, string> } | 'reset' | 'silence';

interface PlannedFault {
  readonly matches: (request: FakeRequest) => boolean;
  readonly fault: Fault;
  left: number;
}

export const TOKEN_REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';

/** A file of the recorded cluster, without the status that the recorder appended. */
export const recorded = (name: string): string =>
  readFileSync(fixture(`cluster-cgroupv1/${name}`), 'utf8').replace(/\n\{"httpStatus":\d+\}\n?$/, '');

/** Starts a fake API server that ends with the test. */
export async function startFakeApi(context: TestContext, tls?: ServerOptions): Promise<FakeApiServer> {
  const server = await FakeApiServer.start(tls);
  context.after(() => server.stop());
  return server;
}

/**
 * A minimal Kubernetes API server: paginated lists, watches with bookmarks, objects with optimistic locking, with the
 * messages of the recorded server. Tests change `cluster`, plan faults, and read `requests` and `connections`.
 */
export class FakeApiServer {
  readonly cluster = new FakeCluster();
  readonly requests: FakeRequest[] = [];
  readonly watches = new Set<FakeWatch>();
  /** Connections accepted so far. */
  connections = 0;
  /** Accepted bearer tokens; any, even none, when undefined. */
  tokens: ReadonlySet<string> | undefined;
  /** Names of users by their tokens, as returned by a TokenReview. */
  readonly users = new Map<string, string>();
  readonly #server: Server;
  readonly #faults: PlannedFault[] = [];
  readonly #lists = new Map<string, { items: readonly KubeObject[]; version: number }>();

  static async start(tls?: ServerOptions): Promise<FakeApiServer> {
    const server = new FakeApiServer(tls);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  private constructor(tls?: ServerOptions) {
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      this.#answer(request, response).catch((error) => response.destroy(error));
    };
    this.#server = tls ? createTlsServer(tls, answer) : createServer(answer);
    // As kube-apiserver; Node's own is five seconds.
    this.#server.keepAliveTimeout = 90_000;
    this.#server.on('connection', () => this.connections++);
    this.cluster.onEvent = (path, { type, object }) => {
      for (const watch of this.#watching(path, object.metadata?.namespace)) watch.send(type, object);
    };
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Uses other certificates for new connections, and closes the idle ones. */
  changeTls(tls: ServerOptions): void {
    if (this.#server instanceof TlsServer) this.#server.setSecureContext(tls);
    this.#server.closeIdleConnections();
  }

  /** A kubeconfig for this server. */
  kubeconfig(token = 'secret-token'): string {
    const cluster = { server: `http://127.0.0.1:${this.port}`, 'insecure-skip-tls-verify': true };
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'fake', cluster }],
      users: [{ name: 'tester', user: { token } }],
      contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'tester' } }],
      'current-context': 'fake',
    });
  }

  /** Responds with `fault` to the next `times` requests of this kind, and of this path if given. */
  fail(kind: RequestKind, fault: Fault, { times = 1, path = '' } = {}): void {
    const matches = (request: FakeRequest) => request.kind === kind && request.path.startsWith(path);
    this.#faults.push({ matches, fault, left: times });
  }

  /** Like {@link fail}, for the following pages of lists. */
  failContinue(fault: Fault): void {
    const matches = ({ kind, query }: FakeRequest) => kind === 'list' && query.has('continue');
    this.#faults.push({ matches, fault, left: 1 });
  }

  /** Cancels all planned faults. */
  heal(): void {
    this.#faults.length = 0;
  }

  count(kind: RequestKind): number {
    return this.requests.filter((request) => request.kind === kind).length;
  }

  /** The only open watch. */
  get watch(): FakeWatch {
    const [watch, another] = this.watches;
    if (!watch || another) throw new Error(`${this.watches.size} watches`);
    return watch;
  }

  /** Closes all connections, as a restart does. */
  breakOff(): void {
    this.#server.closeAllConnections();
  }

  /** Sends a bookmark with the newest version on those of `watches` that requested bookmarks. */
  bookmark(watches: Iterable<FakeWatch> = this.watches): void {
    for (const watch of watches) if (watch.bookmarks) watch.send('BOOKMARK', this.#bookmarkOf(watch.path));
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #watching(path: string, namespace: string | undefined): FakeWatch[] {
    return [...this.watches].filter(
      (watch) => watch.path === path && (watch.namespace === undefined || watch.namespace === namespace),
    );
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://fake');
    const body = await readJson(request);
    if (url.pathname === '/version') return send(request, response, 200, recorded('api/version.json'));
    const discovery = discoveryOf(this.cluster.collections, url.pathname);
    if (discovery) return send(request, response, 200, JSON.stringify(discovery));
    const asked = parseRequest(request, url);
    if (!asked) return send(request, response, 404, '404 page not found', { 'content-type': 'text/plain' });
    this.requests.push(asked);
    if (this.#meetsFault(asked, request, response)) return;
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    if (this.tokens && !this.tokens.has(token)) return send(request, response, 401, recorded('lease/list-401.txt'));
    if (asked.path === TOKEN_REVIEWS) return send(request, response, 201, review(body, this.users));
    const collection = this.cluster.collections.get(asked.path);
    if (asked.kind === 'watch' && collection) this.#openWatch(asked, collection, response);
    else if (asked.kind === 'list' && collection) send(request, response, ...this.#list(asked, collection));
    else if (asked.name === undefined && asked.kind !== 'create') {
      send(request, response, 404, '404 page not found', { 'content-type': 'text/plain' });
    } else send(request, response, ...this.#object(asked, body));
  }

  #meetsFault(asked: FakeRequest, request: IncomingMessage, response: ServerResponse): boolean {
    const planned = this.#faults.find(({ matches, left }) => left > 0 && matches(asked));
    if (!planned) return false;
    planned.left--;
    const { fault } = planned;
    if (fault === 'reset') request.socket.resetAndDestroy();
    else if (fault !== 'silence') send(request, response, fault.status, fault.body ?? '', fault.headers);
    return true;
  }

  #list({ path, namespace, query, accept }: FakeRequest, collection: FakeCollection): [number, string | Buffer[]] {
    const token = query.get('continue');
    const limit = Number(query.get('limit') ?? 0) || Number.POSITIVE_INFINITY;
    const [id = '', offset = '0'] = token === null ? [`${this.requests.length}`] : token.split(':');
    const start = Number(offset);
    const list = this.#lists.get(id) ?? { items: [...collection.objects.values()], version: this.cluster.version };
    if (token !== null && list.version < collection.compacted) return [410, recorded('api/expired-continue.txt')];
    const { generated } = collection;
    const total = list.items.length + (generated?.count ?? 0);
    const end = Math.min(start + limit, total);
    const metadataOnly = accept.includes('as=PartialObjectMetadataList');
    const isWhole = list.items.length === 0 && !metadataOnly && namespace === undefined && !query.has('fieldSelector');
    const pages = isWhole ? generated?.pages : undefined;
    const page = `${start}:${end}`;
    const kept = pages?.get(page);
    const items: KubeObject[] = [];
    for (let index = start; index < end && kept === undefined; index++) {
      const item = list.items[index] ?? generated?.make(index - list.items.length);
      if (item && selected(item, namespace, query)) items.push(item);
    }
    if (end < total) this.#lists.set(id, list);
    else this.#lists.delete(id);
    const kind = metadataOnly ? 'PartialObjectMetadataList' : `${collection.kind}List`;
    const answer = {
      kind,
      apiVersion: metadataOnly ? 'meta.k8s.io/v1' : collection.apiVersion,
      metadata: { resourceVersion: String(list.version), ...(end < total && { continue: `${id}:${end}`, path }) },
    };
    const head = `${JSON.stringify(answer).slice(0, -1)},"items":`;
    if (kept) return [200, [Buffer.from(head), zstdDecompressSync(kept), Buffer.from('}')]];
    const text = metadataOnly ? JSON.stringify(items.map(partial)) : itemsText(items);
    pages?.set(page, zstdCompressSync(text));
    return [200, `${head}${text}}`];
  }

  /** Creates all pages of `limit` objects of the generated collections that cache them: later lists only send them. */
  fillPages(limit: number): void {
    for (const { objects, generated } of this.cluster.collections.values()) {
      if (objects.size > 0 || generated?.pages === undefined) continue;
      const { count, itemText, pages } = generated;
      for (let start = 0; start < count; start += limit) {
        const end = Math.min(start + limit, count);
        const items = Array.from({ length: end - start }, (_, index) => itemText(start + index));
        pages.set(`${start}:${end}`, zstdCompressSync(`[${items.join(',')}]`));
      }
    }
  }

  #openWatch(asked: FakeRequest, collection: FakeCollection, response: ServerResponse): void {
    const { path, namespace, query, accept } = asked;
    const metadataOnly = accept.includes('as=PartialObjectMetadata');
    const render = (object: object) =>
      metadataOnly ? partial(object) : { kind: collection.kind, apiVersion: collection.apiVersion, ...object };
    const bookmarks = query.get('allowWatchBookmarks') === 'true';
    const watch = new FakeWatch(response, path, namespace, bookmarks, render);
    response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
    response.flushHeaders();
    const from = Number(query.get('resourceVersion') ?? this.cluster.version);
    if (from < collection.compacted) {
      watch.raw(recorded('watch/gone.jsonl'));
      watch.end();
      return;
    }
    this.watches.add(watch);
    const timer = setTimeout(() => watch.expire(), Number(query.get('timeoutSeconds') ?? 1800) * 1000);
    watch.onEnd = () => {
      clearTimeout(timer);
      this.watches.delete(watch);
    };
    response.once('close', watch.onEnd);
    for (const { type, version, object } of collection.log) {
      if (version > from && selected(object, namespace, query)) watch.send(type, object);
    }
  }

  /** Reads and writes of one object, with the API server's optimistic locking. */
  #object({ kind, path, namespace, name = '', query }: FakeRequest, body: KubeObject): [number, string] {
    const metadata = { ...body.metadata, ...(namespace && { namespace }) };
    const key = kind === 'create' ? keyOf({ metadata }) : namespace ? `${namespace}/${name}` : name;
    const stored = this.cluster.collections.get(path)?.objects.get(key);
    const qualified = `${resourceOf(path)} "${key.split('/').at(-1)}"`;
    if (kind === 'create') {
      if (stored) return refusal(409, 'AlreadyExists', `${qualified} already exists`);
      this.cluster.collection(path, body.kind, body.apiVersion);
      return [201, JSON.stringify(this.cluster.put(path, { ...body, metadata }))];
    }
    if (!stored) return refusal(404, 'NotFound', `${qualified} not found`);
    if (kind === 'update') {
      const { resourceVersion } = metadata;
      if (!resourceVersion) return refusal(422, 'Invalid', 'metadata.resourceVersion: must be specified for an update');
      if (resourceVersion !== stored.metadata?.resourceVersion) {
        const advice = 'the object has been modified; please apply your changes to the latest version and try again';
        return refusal(409, 'Conflict', `Operation cannot be fulfilled on ${qualified}: ${advice}`);
      }
      if (query.get('dryRun') === 'All') return [200, JSON.stringify({ ...body, metadata })];
      return [200, JSON.stringify(this.cluster.put(path, { ...body, metadata }))];
    }
    if (kind === 'delete') this.cluster.remove(path, key);
    return [200, JSON.stringify(stored)];
  }

  #bookmarkOf(path: string): object {
    const { kind, apiVersion } = this.cluster.collection(path);
    return { kind, apiVersion, metadata: { resourceVersion: String(this.cluster.version) } };
  }
}

/** The items of a list, which have neither kind nor version. */
const itemsText = (items: readonly KubeObject[]): string =>
  JSON.stringify(items.map(({ kind: _, apiVersion: __, ...item }) => item));

/** `leases.coordination.k8s.io`, or `pods` in the core group. */
const resourceOf = (path: string): string => {
  const [, root, group, , resource = ''] = path.split('/');
  return root === 'apis' ? `${resource}.${group}` : (path.split('/').at(-1) ?? '');
};
