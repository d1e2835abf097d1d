import { type Handler, type HttpRequest, json, type Reply, type Routes, refuse } from './message.ts';
import type {
  CollectorList,
  CollectorView,
  FamilyPage,
  SeriesPage,
  StatusView,
  TroubleList,
  TroubleView,
} from './status-view.ts';

/** The data of the read-only part of the API. */
interface ApiSource {
  readonly now: () => number;
  status(): StatusView;
  collectors(): readonly CollectorView[];
  /** The last warnings and errors of the log, each as JSON. */
  troubles(): readonly string[];
  families(match: string, slice: Slice): FamilyPage;
  /** Undefined if there is no such family. Rejects with the signal's reason. */
  series(name: string, filter: SeriesQuery, slice: Slice, signal: AbortSignal): Promise<SeriesPage | undefined>;
}

/** The requested part of a list. */
interface Slice {
  readonly offset: number;
  readonly limit: number;
}

/** Which series of a family are requested. */
interface SeriesQuery {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly text: string;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;
const MAX_LABELS = 20;

/** Searching the state of 10,000 pods takes a third of a second. */
const SEARCH_MS = 10_000;

/** An error in a query; its message is the response. */
class QueryError extends Error {}

/** The read-only routes. */
export function apiRoutes(source: ApiSource): Routes {
  return {
    '/v1/status': { atOnce: 8, GET: () => json(200, source.status()) },
    '/v1/collectors': {
      atOnce: 8,
      GET() {
        const list: CollectorList = { nowMs: source.now(), collectors: source.collectors() };
        return json(200, list);
      },
    },
    '/v1/log': {
      atOnce: 8,
      GET() {
        const list: TroubleList = { nowMs: source.now(), lines: source.troubles().map(parsed) };
        return json(200, list);
      },
    },
    '/v1/metrics': { atOnce: 2, GET: checked((request) => explore(source, request)) },
  };
}

const parsed = (line: string): TroubleView => JSON.parse(line);

async function explore(source: ApiSource, { query, signal }: HttpRequest): Promise<Reply> {
  const slice = {
    offset: wholeNumber(query, 'offset', 0, Number.MAX_SAFE_INTEGER),
    limit: wholeNumber(query, 'limit', DEFAULT_LIMIT, MAX_LIMIT),
  };
  const name = query.get('name');
  if (name === null) return json(200, source.families(query.get('match') ?? '', slice));
  const filter = { labels: labelsOf(query), text: query.get('text') ?? '' };
  const deadline = AbortSignal.timeout(SEARCH_MS);
  try {
    const page = await source.series(name, filter, slice, AbortSignal.any([signal, deadline]));
    return page ? json(200, page) : refuse(404, 'the last cycle has no family of that name');
  } catch (cause) {
    if (!deadline.aborted) throw cause;
    return refuse(503, 'the search took too long; choose a smaller family', { 'retry-after': '5' });
  }
}

const checked =
  (handler: Handler): Handler =>
  async (request) => {
    try {
      return await handler(request);
    } catch (cause) {
      if (cause instanceof QueryError) return refuse(400, cause.message);
      throw cause;
    }
  };

function wholeNumber(query: URLSearchParams, name: string, standard: number, most: number): number {
  const text = query.get(name);
  if (text === null) return standard;
  if (!/^\d{1,15}$/.test(text)) throw new QueryError(`${name} must be a whole number`);
  return Math.min(Number(text), most);
}

function labelsOf(query: URLSearchParams): [string, string][] {
  const texts = query.getAll('label');
  if (texts.length > MAX_LABELS) throw new QueryError(`more than ${MAX_LABELS} labels`);
  return texts.map((text) => {
    const [, name, value] = /^([a-zA-Z_][a-zA-Z0-9_]*)=(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new QueryError('label must be name=value');
    return [name, value];
  });
}
