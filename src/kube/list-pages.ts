import { turn } from '../base/turns.ts';
import { ApiBodyError, type KubeApi, METADATA_LIST } from './api.ts';
import { ListDecoder, type ListMeta } from './list-stream.ts';
import type { KubeObject } from './object.ts';
import type { ReflectorSource } from './reflector-source.ts';

/** Objects per page: limits what the API server has to collect at a time, not our memory. */
const PAGE_SIZE = 500;
/** Selectors may leave a page empty, and several in a row in a large collection. */
const MAX_EMPTY_PAGES = 1000;
/** A list that has received nothing for this long is dead. */
const LIST_IDLE_MS = 30_000;
/** Size limit of an object and of a watch line; etcd accepts objects of 1.5 MB, which are larger as JSON. */
export const MAX_OBJECT_BYTES = 16 * 1024 * 1024;

/** Receives the objects of a list. */
export interface ListTaking {
  /** Keys of the objects so far; `take` adds to them. */
  readonly seen: ReadonlySet<string>;
  /** Called with each object and its kind, or the kind implied by the list. */
  readonly take: (object: KubeObject, kind: string | undefined) => void;
  readonly signal: AbortSignal;
}

/**
 * Lists a collection: yields after each page, once its objects have been processed. Throws in the same cases as {@link
 * KubeApi}.
 */
export async function* listPages(
  api: KubeApi,
  path: string,
  source: Omit<ReflectorSource, 'path' | 'kind'>,
  taking: ListTaking,
): AsyncGenerator<ListMeta> {
  const { seen, signal } = taking;
  /** Tokens of all pages so far: a server that sends us back would loop forever. */
  const tokens = new Set<string>();
  let empty = 0;
  let next: string | undefined;
  do {
    const size = seen.size;
    const page = await listPage(api, path, source, next, taking);
    signal.throwIfAborted();
    yield page;
    next = page.continue;
    if (next === undefined) return;
    empty = seen.size > size ? 0 : empty + 1;
    if (tokens.has(next) || empty === MAX_EMPTY_PAGES) {
      throw new ApiBodyError(path, 'malformed', 'the list never ends: its pages repeat or are empty');
    }
    tokens.add(next);
  } while (next !== undefined);
}

async function listPage(
  api: KubeApi,
  path: string,
  { metadataOnly, skipsManagers, fieldSelector, labelSelector }: Omit<ReflectorSource, 'path' | 'kind'>,
  next: string | undefined,
  { take, signal }: ListTaking,
): Promise<ListMeta> {
  const query = { limit: PAGE_SIZE, continue: next, fieldSelector, labelSelector };
  const request = { path, query, bulk: true, ...(metadataOnly && { accept: METADATA_LIST }), signal };
  const decoder = new ListDecoder(path, MAX_OBJECT_BYTES, skipsManagers);
  for await (const chunk of await api.stream(request, LIST_IDLE_MS)) {
    for (const object of decoder.push(chunk)) {
      await turn();
      signal.throwIfAborted();
      take(object, object.kind ?? decoder.itemKind);
    }
  }
  return decoder.end();
}
