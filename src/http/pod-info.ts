import { gunzipSync } from 'node:zlib';
import { refusal, type TokenCheck } from './bearer.ts';
import { type Handler, type HttpRequest, type Reply, refuse } from './message.ts';

/** The source of the responses: the pod index. */
export interface PodInfoSource {
  /** Whether all pods are known. */
  ready(): boolean;
  /** JSON for a node, compressed, and its entity tag; without pods for an unknown node. */
  responseFor(nodeName: string): { readonly etag: string; readonly gzip: Buffer };
  /**
   * For an unknown node: the most similar known name, empty if there is none; otherwise undefined. Absent if only some
   * pods are followed, because a node may then have none.
   */
  readonly nearestTo?: ((nodeName: string) => string | undefined) | undefined;
}

/** Access rules. */
export interface PodInfoGuard {
  /** Only requests with an accepted bearer token are allowed. */
  readonly check: TokenCheck;
  /** Called with the reason when a token could not be checked. */
  readonly onError: (cause: unknown) => void;
}

/** Listing 10,000 pods takes seconds; node agents that start earlier need not retry quickly. */
const RETRY_AFTER_SECONDS = 5;

/** A DNS subdomain, as required for Kubernetes node names. */
const NODE_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

/** The route, open to everyone if there is no guard. */
export const podInfoRoute =
  (source: PodInfoSource, guard?: PodInfoGuard): Handler =>
  async (request) =>
    (guard && (await refusal(request.headers.authorization, guard.check, guard.onError))) ??
    podInfoReply(source, request);

/** The response to `GET /v1/ksm/getPodInfoByNodeName?nodeName=…`. */
function podInfoReply(source: PodInfoSource, { query, headers }: Pick<HttpRequest, 'query' | 'headers'>): Reply {
  const [nodeName = '', ...more] = query.getAll('nodeName');
  if (nodeName === '') return refuse(400, 'the query parameter nodeName is missing');
  if (more.length > 0) return refuse(400, 'the query parameter nodeName is given more than once');
  if (!NODE_NAME.test(nodeName)) return refuse(400, 'nodeName is not a valid node name');
  if (!source.ready()) {
    return refuse(503, 'the pods are still being listed', { 'retry-after': String(RETRY_AFTER_SECONDS) });
  }
  const nearest = source.nearestTo?.(nodeName);
  if (nearest !== undefined) {
    const hint = nearest === '' ? 'no node is known' : `the closest known name is ${nearest}`;
    return refuse(404, `no pod runs on a node ${nodeName}; ${hint}: NODE_NAME must be spec.nodeName of the pod`);
  }
  const { etag, gzip } = source.responseFor(nodeName);
  const common = { etag, 'cache-control': 'no-cache', vary: 'accept-encoding' };
  if (matches(headers['if-none-match'], etag)) return { status: 304, headers: common, body: '' };
  const json = { status: 200, type: 'application/json', headers: common };
  // Stored as gzip only; decompressed for the few clients that do not support it.
  return /\bgzip\b/.test(String(headers['accept-encoding'] ?? ''))
    ? { ...json, headers: { ...common, 'content-encoding': 'gzip' }, body: gzip }
    : { ...json, body: gunzipSync(gzip) };
}

/** Whether one of the client's tags is this one; weak tags are treated like strong ones. */
function matches(known: string | undefined, etag: string): boolean {
  const bare = (tag: string) => tag.trim().replace(/^W\//, '');
  return (known ?? '').split(',').some((tag) => tag.trim() === '*' || bare(tag) === bare(etag));
}
