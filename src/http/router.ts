import type { Handler, Route, RouteMethods, Routes } from './message.ts';

/** The endpoint of a path. */
export interface Found {
  readonly route: Route;
  readonly endpoint: RouteMethods;
  readonly params: Readonly<Record<string, string>>;
}

/** Finds the endpoint of `path`; the table may change between calls. */
export function findRoute(routes: Routes, path: string): Found | undefined {
  const exact = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (exact) return found(exact, {});
  const segments = path.split('/');
  for (const [pattern, route] of Object.entries(routes)) {
    const params = pattern.includes('{') ? matched(pattern.split('/'), segments) : undefined;
    if (params) return found(route, params);
  }
  return undefined;
}

/** The methods of an endpoint, for the header `allow`. */
export function methodsOf(endpoint: RouteMethods): string {
  return [...(endpoint.GET ? ['GET', 'HEAD'] : []), ...CHANGES.filter((method) => endpoint[method])].join(', ');
}

/** The handler for a request with this method. */
export const handlerOf = (method: string, endpoint: RouteMethods): Handler | undefined =>
  method === 'GET' || method === 'HEAD' ? endpoint.GET : isChange(method) ? endpoint[method] : undefined;

/** The methods that change something. */
const CHANGES = ['POST', 'PUT', 'DELETE'] as const;

/** Whether a method changes something. */
export const isChange = (method: string): method is (typeof CHANGES)[number] => CHANGES.some((one) => one === method);

const found = (route: Route, params: Found['params']): Found => ({
  route,
  endpoint: typeof route === 'function' ? { GET: route } : route,
  params,
});

function matched(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  const tail = /^\{(\w+)\.\.\.\}$/.exec(pattern.at(-1) ?? '')?.[1];
  if (tail !== undefined) {
    const head = pattern.slice(0, -1);
    if (segments.length <= head.length) return undefined;
    const params = matched(head, segments.slice(0, head.length));
    return params && { ...params, [tail]: segments.slice(head.length).join('/') };
  }
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const segment = segments[index] ?? '';
    if (!expected.startsWith('{')) {
      if (segment !== expected) return undefined;
      continue;
    }
    try {
      params[expected.slice(1, -1)] = decodeURIComponent(segment);
    } catch {
      return undefined;
    }
  }
  return params;
}
