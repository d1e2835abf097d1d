// The paths of both servers, including special cases; each was tested with VictoriaMetrics 1.145 and Pushgateway 1.11.
import { isLabelName } from '../metrics/family.ts';
import { Refused } from './refused.ts';

/** The live text summary. */
interface SummaryRoute {
  readonly kind: 'summary';
}

/** VictoriaMetrics text import. `labels` override those of the text. */
export interface ImportRoute {
  readonly kind: 'import';
  readonly labels: ReadonlyMap<string, string>;
  /** The timestamp of samples without one. */
  readonly timestampMs: number | undefined;
  /** VictoriaMetrics returns 200 below `/metrics/job/` and 204 elsewhere. */
  readonly status: 200 | 204;
}

/** Remote write, which the agent uses to end series. `labels` override those of the body. */
export interface WriteRoute {
  readonly kind: 'write';
  readonly labels: ReadonlyMap<string, string>;
}

/** A Pushgateway group; `labels` are its key, `job` first. */
export interface GroupRoute {
  readonly kind: 'group';
  readonly method: 'PUT' | 'POST' | 'DELETE';
  readonly labels: ReadonlyMap<string, string>;
}

/** Identification of this server, for clients that check before they push. */
interface SelfRoute {
  readonly kind: 'self';
}

type ReceiverRoute = SummaryRoute | SelfRoute | ImportRoute | WriteRoute | GroupRoute;

const GROUP_METHODS = ['PUT', 'POST', 'DELETE'] as const;
const IMPORT = /^(?:\/insert\/(?:multitenant|\d+(?::\d+)?))?(?:\/prometheus)?\/api\/v1\/import\/prometheus(.*)$/s;
const WRITE = /^(?:\/insert\/(?:multitenant|\d+(?::\d+)?))?(?:\/prometheus)?\/api\/v1\/write$/;
const HELP =
  'this server accepts POST …/api/v1/import/prometheus[/metrics/job/JOB/instance/INSTANCE], POST …/api/v1/write and ' +
  'PUT, POST or DELETE /metrics/job/JOB{/LABEL/VALUE}; GET / shows a summary';

/** Determines the operation of a request. Throws {@link Refused}. */
export function routeOf(method: string, url: string): ReceiverRoute {
  const mark = url.indexOf('?');
  const path = decodePath(mark === -1 ? url : url.slice(0, mark));
  const cleaned = path.replaceAll(/\/{2,}/g, '/');
  const query = new URLSearchParams(mark === -1 ? '' : url.slice(mark));
  const imported = IMPORT.exec(cleaned);
  if (imported) return importRoute(imported[1] ?? '', query);
  if (WRITE.test(cleaned)) return { kind: 'write', labels: new Map(extraLabels(query)) };
  if (path === '/' && (method === 'GET' || method === 'HEAD')) return { kind: 'summary' };
  if (path === '/metrics' && (method === 'GET' || method === 'HEAD')) return { kind: 'self' };
  if (path.startsWith('/metrics')) return groupRoute(method, path);
  if (/^\/(?:api|insert|prometheus)\//.test(path)) throw new Refused(400, `unsupported path ${quote(path)}: ${HELP}`);
  throw new Refused(404, `nothing at ${method} ${quote(path)}: ${HELP}`);
}

/** Both servers decode before they split: an escaped slash separates like a plain one. */
function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new Refused(400, `the path ${quote(path)} has a bad percent escape`);
  }
}

function importRoute(tail: string, query: URLSearchParams): ImportRoute {
  const labels = new Map<string, string>();
  const grouping = /^\/metrics\/(job(?:@base64)?\/.*)$/s.exec(tail)?.[1];
  if (grouping !== undefined) {
    const parts = grouping.replace(/\/$/, '').split('/');
    // `/metrics/job/` without more is an empty job, which is invalid.
    if (parts.length === 1) parts.push('');
    for (const [name, value] of labelPairs(parts)) labels.set(name, value);
  }
  for (const [name, value] of extraLabels(query)) labels.set(name, value);
  const timestamp = query.get('timestamp') ?? '';
  if (!/^-?\d*$/.test(timestamp) || timestamp === '-') {
    throw new Refused(400, `timestamp ${quote(timestamp)} must be an integer: milliseconds since 1970`);
  }
  return {
    kind: 'import',
    labels,
    timestampMs: Number(timestamp) === 0 ? undefined : Number(timestamp),
    status: grouping?.startsWith('job/') ? 200 : 204,
  };
}

const extraLabels = (query: URLSearchParams): [name: string, value: string][] =>
  query.getAll('extra_label').map((text) => {
    const equals = text.indexOf('=');
    if (equals === -1) throw new Refused(400, `extra_label ${quote(text)} must have the form name=value`);
    return [text.slice(0, equals), text.slice(equals + 1)];
  });

function groupRoute(method: string, path: string): GroupRoute {
  const cleaned = cleanPath(path);
  // A client that follows this hits another group, or turns PUT into GET: it must escape the value with @base64.
  if (cleaned !== path) {
    const text = `the path ${quote(path)} has an empty, "." or ".." part: give such a value as LABEL@base64/…`;
    throw new Refused(301, text, { location: encodeURI(cleaned) });
  }
  const grouping = /^\/metrics\/(job(?:@base64)?\/.+)$/s.exec(path)?.[1];
  if (grouping === undefined && path !== '/metrics') {
    throw new Refused(404, `nothing at ${quote(path)}: a group's path starts with /metrics/job/JOB; ${HELP}`);
  }
  const known = GROUP_METHODS.find((one) => one === method);
  if (grouping === undefined || known === undefined) {
    throw new Refused(405, `${method} is not supported for ${quote(path)}: ${HELP}`, {
      allow: GROUP_METHODS.join(', '),
    });
  }
  const parts = grouping.replace(/\/$/, '').split('/');
  const labels = new Map<string, string>();
  for (const [index, [name, value]] of labelPairs(parts).entries()) {
    if (!isLabelName(name)) throw new Refused(400, `${quote(name)} in the path is not a label name`);
    if (index === 0 && value === '') throw new Refused(400, 'the job in the path is empty');
    if (index === 0 || name !== 'job') labels.set(name, value);
  }
  return { kind: 'group', method: known, labels };
}

/** The path without empty, `.` and `..` parts, as Go's server cleans it; a trailing slash stays. */
function cleanPath(path: string): string {
  const parts: string[] = [];
  const all = path.split('/').slice(1);
  for (const [index, part] of all.entries()) {
    if (part === '..') parts.pop();
    else if ((part !== '' && part !== '.') || (part === '' && index === all.length - 1)) parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function labelPairs(parts: readonly string[]): [name: string, value: string][] {
  if (parts.length % 2 === 1) throw new Refused(400, `label ${quote(parts.at(-1) ?? '')} in the path has no value`);
  const pairs: [string, string][] = [];
  for (let index = 0; index < parts.length; index += 2) {
    const name = parts[index] ?? '';
    const value = parts[index + 1] ?? '';
    const plain = name.endsWith('@base64') ? name.slice(0, -'@base64'.length) : undefined;
    pairs.push(plain === undefined ? [name, value] : [plain, decodeValue(plain, value)]);
  }
  return pairs;
}

function decodeValue(name: string, value: string): string {
  const bare = value.replace(/=*$/, '');
  if (!/^[A-Za-z0-9_-]*$/.test(bare) || bare.length % 4 === 1) {
    throw new Refused(400, `label ${name} in the path is not base64url: ${quote(value)}`);
  }
  return Buffer.from(bare, 'base64url').toString();
}

const quote = (text: string): string => JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
