import type { IncomingMessage } from 'node:http';
import type { KubeObject } from '../../src/kube/object.ts';

export type RequestKind = 'list' | 'watch' | 'get' | 'create' | 'update' | 'delete';

/** A received request. */
export interface FakeRequest {
  readonly kind: RequestKind;
  /** The collection's path without a namespace: `/api/v1/pods`. */
  readonly path: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly query: URLSearchParams;
  readonly accept: string;
}

const PATH = /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?$/;
/** Whether the namespace and the field selector (`spec.nodeName=a,…`, equality only) match the object. */
export function selected(object: KubeObject, namespace: string | undefined, query: URLSearchParams): boolean {
  if (namespace !== undefined && object.metadata?.namespace !== namespace) return false;
  const fields = (query.get('fieldSelector') ?? '').split(',').filter((term) => term !== '');
  return fields.every((term) => {
    const [path = '', wanted = ''] = term.split('=');
    const step = (value: unknown, name: string) => (value as Record<string, unknown> | undefined)?.[name];
    return (path.split('.').reduce(step, object) ?? '') === wanted;
  });
}

/** Parses a request; undefined if the path is not that of a collection or object. */
export function parseRequest(request: IncomingMessage, url: URL): FakeRequest | undefined {
  const [, root, namespace, resource, name] = PATH.exec(url.pathname) ?? [];
  if (root === undefined) return undefined;
  const query = url.searchParams;
  const kinds: Record<string, RequestKind> = { POST: 'create', PUT: 'update', DELETE: 'delete' };
  const reading = name !== undefined ? 'get' : query.get('watch') === 'true' ? 'watch' : 'list';
  return {
    kind: kinds[request.method ?? ''] ?? reading,
    path: `${root}/${resource}`,
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    query,
    accept: request.headers.accept ?? '',
  };
}
