import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import type { Handler, RouteMethods, Routes } from './message.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Next to this file or, in the bundle, next to the folder of chunks. */
const FOLDERS = ['page/', '../page/'];

/**
 * The status page: `/` and its files below `/page/`, read once. They are the same in every installation and reveal
 * nothing about this one, so they need no token: the page itself asks for it.
 */
export function pageRoutes(): Routes {
  const routes = new Map<string, RouteMethods>();
  for (const folder of FOLDERS.map((path) => new URL(path, import.meta.url))) {
    for (const name of namesIn(folder)) {
      const type = TYPES[extname(name)];
      if (type === undefined) continue;
      routes.set(`/page/${name}`, { open: true, GET: file(readFileSync(new URL(name, folder)), type) });
    }
    const index = routes.get('/page/index.html');
    if (index) return Object.fromEntries([...routes, ['/', index]]);
  }
  return {};
}

function namesIn(folder: URL): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function file(body: Buffer, type: string): Handler {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const headers = { etag, 'cache-control': 'no-cache' };
  return ({ headers: { 'if-none-match': known } }) =>
    known === etag ? { status: 304, headers, body: '' } : { status: 200, type, headers, body };
}
