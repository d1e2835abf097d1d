import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Counter, Gauge } from 'prom-client';
import { errorCode } from '../base/error-text.ts';
import { durationText, parseDuration } from '../config/units.ts';
import { type HttpRequest, json, type Reply, type RouteMethods, type Routes, refuse } from '../http/message.ts';
import { Scope } from '../metrics/scope.ts';
import { groupLabelsOf, readPushedJson, readPushedText } from './read.ts';
import { type GroupLabels, type PushedFamily, PushRefused, PushStore } from './store.ts';

/** Settings of local pushes. */
interface LocalPushSettings {
  /** How long a push remains valid, milliseconds. */
  readonly ttl: number;
  readonly limits: {
    readonly body: number;
    readonly series: number;
    readonly jobs: number;
    readonly pushesPerMinute: number;
  };
}

/** What local pushes need from the agent. */
interface LocalPushWorld {
  readonly now: () => number;
  readonly ownerOf: (family: string) => string | undefined;
}

/** Accepts pushes of programs on this node. */
export interface LocalPush {
  /** The pushed series, and the metrics about pushes. */
  readonly scope: Scope;
  readonly routes: Routes;
}

const MAX_TTL_MS = 24 * 3_600_000;
const MINUTE_MS = 60_000;
const unzip = promisify(gunzip);

/** Builds it. */
export function createLocalPush({ ttl, limits }: LocalPushSettings, { now, ownerOf }: LocalPushWorld): LocalPush {
  const scope = new Scope();
  const registers = [scope];
  const requests = new Counter({
    name: 'firesteel_push_requests_total',
    help: 'Local push requests by response status.',
    labelNames: ['code'] as const,
    registers,
  });
  const expired = new Counter({
    name: 'firesteel_push_expired_total',
    help: 'Local push groups that have expired.',
    registers,
  });
  const store = new PushStore(limits, { now, ownerOf, onExpired: () => expired.inc() });
  new Gauge({
    name: 'firesteel_push_series',
    help: 'Series from local pushes, by job.',
    labelNames: ['job'] as const,
    registers,
    collect() {
      this.reset();
      for (const [job, count] of store.series()) this.set({ job }, count);
    },
  });
  scope.addProducer(store.producer);
  let minute = { sinceMs: 0, count: 0 };
  const isOverRate = (): boolean => {
    if (now() - minute.sinceMs >= MINUTE_MS || now() < minute.sinceMs) minute = { sinceMs: now(), count: 0 };
    return ++minute.count > limits.pushesPerMinute;
  };
  const guarded =
    (act: (request: HttpRequest) => Promise<Reply>) =>
    async (request: HttpRequest): Promise<Reply> => {
      const reply = isOverRate()
        ? refuse(429, `more than ${limits.pushesPerMinute} pushes per minute`, { 'retry-after': '30' })
        : await act(request).catch((cause: unknown) => {
            if (cause instanceof PushRefused) return refuse(cause.status, cause.message);
            throw cause;
          });
      requests.inc({ code: String(reply.status) });
      return reply;
    };
  const take = async (request: HttpRequest, labels: GroupLabels, replaces: boolean): Promise<void> => {
    let families: PushedFamily[];
    try {
      families = readBody(request, await textOf(request, limits.body));
    } catch (cause) {
      if (cause instanceof PushRefused) store.failed(labels);
      throw cause;
    }
    store.push(labels, families, ttlOf(request, ttl), replaces);
  };
  const gateway = (replaces: boolean) =>
    guarded(async (request) => {
      const { group: path = '' } = request.params;
      await take(request, groupLabelsOf(path), replaces);
      return { status: 200, body: '' };
    });
  const common = { token: 'push', maxBody: limits.body, atOnce: 16 } as const;
  const group: RouteMethods = {
    ...common,
    PUT: gateway(true),
    POST: gateway(false),
    DELETE: guarded(async ({ params: { group: path = '' } }) => {
      store.delete(groupLabelsOf(path));
      return { status: 202, body: '' };
    }),
  };
  return {
    scope,
    routes: {
      '/metrics/{group...}': group,
      '/v1/push/{job}': {
        ...common,
        POST: guarded(async (request) => {
          const { job = '' } = request.params;
          await take(request, [['job', job]], false);
          return json(200, { accepted: true });
        }),
      },
    },
  };
}

const readBody = ({ headers }: HttpRequest, text: string): PushedFamily[] =>
  /^application\/json\b/i.test(headers['content-type'] ?? '') || text.trimStart().startsWith('[')
    ? readPushedJson(text)
    : readPushedText(text);

async function textOf({ bytes, headers }: HttpRequest, most: number): Promise<string> {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return bytes.toString();
  if (encoding !== 'gzip') throw new PushRefused(415, `unknown content encoding ${String(encoding).slice(0, 40)}`);
  try {
    return (await unzip(bytes, { maxOutputLength: most })).toString();
  } catch (cause) {
    const isLarge = errorCode(cause) === 'ERR_BUFFER_TOO_LARGE';
    throw isLarge
      ? new PushRefused(413, `more than ${most} bytes when decoded`)
      : new PushRefused(400, 'the body is not valid gzip');
  }
}

function ttlOf({ query }: HttpRequest, standard: number): number {
  const text = query.get('ttl');
  if (text === null) return standard;
  const value = parseDuration(text);
  if (value !== undefined && value >= 1000 && value <= MAX_TTL_MS) return value;
  throw new PushRefused(400, `ttl: expected a duration such as 10m, from 1s to ${durationText(MAX_TTL_MS)}`);
}
