import { turn } from '../base/turns.ts';
import { ApiBodyError, type KubeApi, METADATA_LIST } from './api.ts';
import { ListDecoder, type ListMeta } from './list-stream.ts';
import type { KubeObject } from './object.ts';
import type { ReflectorSource } from './reflector-source.ts';

/** Objects a page: what the API server has to gather at once, not what is in memory here. */
const PAGE_SIZE = 500;
/** Selectors may leave a page empty, of a large collection several in a row. */
const MAX_EMPTY_PAGES = 1000;
/** A list on which nothing came for so long is dead. */
const LIST_IDLE_MS = 30_000;
/** Largest object, and line of a watch; etcd takes objects of 1.5 MB, as JSON they are larger. */
export const MAX_OBJECT_BYTES = 16 * 1024 * 1024;

/** What becomes of a list. */
export interface ListTaking {
  /** Keys of the objects so far; `take` adds to it. */
  readonly seen: ReadonlySet<string>;
  /** Gets each object, and its kind, or that of the list. */
  readonly take: (object: KubeObject, kind: string | undefined) => void;
  readonly signal: AbortSignal;
}

/** Lists a collection: yields after each page, whose objects have been taken. Throws as {@link KubeApi} does. */
export async function* listPages(
  api: KubeApi,
  path: string,
  source: Omit<ReflectorSource, 'path' | 'kind'>,
  taking: ListTaking,
): AsyncGenerator<ListMeta> {
  const { seen, signal } = taking;
  /** Where pages began: a server that sends us back would do so for ever. */
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
      throw new ApiBodyError(
        path,
        'malformed',
        'the list goes on without an end: its pages repeat, or have no objects',
      );
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
