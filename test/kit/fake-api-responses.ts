import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { KubeObject } from '../../src/kube/object.ts';
import type { FakeCollection } from './fake-cluster.ts';

/** The API server compresses responses of this size and above. */
const GZIP_FROM_BYTES = 128 * 1024;

/** A Status of a failure. */
export const refusal = (code: number, reason: string, message: string): [number, string] => [
  code,
  JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code }),
];

/** An object's metadata alone. */
export const partial = (object: object): object => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata: (object as KubeObject).metadata,
});

/** The body of a request. */
export async function readJson(request: IncomingMessage): Promise<KubeObject> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return parts.length === 0 ? {} : JSON.parse(Buffer.concat(parts).toString());
}

/** Sends a response, compressed if it is large and the client accepts that; a response in parts is sent unchanged. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: string | readonly Buffer[],
  headers: Record<string, string> = {},
): void {
  if (typeof body !== 'string') {
    const length = body.reduce((sum, part) => sum + part.length, 0);
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': length, ...headers });
    for (const part of body) response.write(part);
    response.end();
    return;
  }
  const zipped = body.length > GZIP_FROM_BYTES && /gzip/.test(String(request.headers['accept-encoding'] ?? ''));
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(zipped && { 'content-encoding': 'gzip' }),
    ...headers,
  });
  response.end(zipped ? gzipSync(body, { level: 1 }) : body);
}

/** A TokenReview with its result: the owner of the token, from `users`. */
export function review(
  asked: KubeObject & { readonly spec?: { readonly token?: string } },
  users: ReadonlyMap<string, string>,
): string {
  const username = users.get(asked.spec?.token ?? '');
  const status =
    username === undefined ? { user: {}, error: 'invalid bearer token' } : { authenticated: true, user: { username } };
  return JSON.stringify({ ...asked, status });
}

/** The response for `/apis/GROUP` or `/apis/GROUP/VERSION`; undefined for other paths and unknown groups. */
export function discoveryOf(collections: ReadonlyMap<string, FakeCollection>, path: string): object | undefined {
  const [, group, version] = /^\/apis\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (group === undefined) return undefined;
  const all = [...collections].map(([at, collection]) => ({ at: at.split('/'), ...collection }));
  const found = all.filter(({ at }) => at[2] === group && (version === undefined || at[3] === version));
  if (found.length === 0) return undefined;
  if (version === undefined) {
    const versions = [...new Set(found.map(({ at }) => at[3]))].map((each) => ({ version: each }));
    return { kind: 'APIGroup', name: group, versions, preferredVersion: versions[0] };
  }
  const resources = found.map(({ at, kind, namespaced }) => ({ name: at[4], kind, namespaced }));
  return { kind: 'APIResourceList', groupVersion: `${group}/${version}`, resources };
}
