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
interface ListReceiver {
  /** Keys of the objects so far; `take` adds to them. */
  readonly seen: { readonly size: number };
  /** Called with each object and its kind, or the kind implied by the list. */
  readonly take: (object: KubeObject, kind: string | undefined) => void;
  readonly signal: AbortSignal;
}

/**
 * Lists a collection: yields after each page, once its objects have been processed. Throws in the same cases as {@link
 * KubeApi}.
 *
 * The next page is requested as soon as its token is known, so that the API server collects it while we process this
 * one. It stays in the socket until it is read: one page at a time is in memory.
 */
export async function* listPages(
  api: KubeApi,
  path: string,
  source: Omit<ReflectorSource, 'path' | 'kind'>,
  { seen, take, signal }: ListReceiver,
): AsyncGenerator<ListMeta> {
  const pages = new ListPages(api, path, source, signal);
  /** Tokens of all pages so far: a server that sends us back would loop forever. */
  const tokens = new Set<string>();
  let empty = 0;
  try {
    for (let next: string | undefined, page = pages.take(undefined); ; page = pages.take(next)) {
      const size = seen.size;
      const decoder = new ListDecoder(path, MAX_OBJECT_BYTES, source.skipsManagers);
      for await (const chunk of await page) {
        for (const object of decoder.push(chunk)) {
          if (decoder.next !== undefined && !tokens.has(decoder.next)) pages.prefetch(decoder.next);
          await turn();
          signal.throwIfAborted();
          take(object, object.kind ?? decoder.itemKind);
        }
      }
      const list = decoder.end();
      signal.throwIfAborted();
      yield list;
      next = list.continue;
      if (next === undefined) return;
      empty = seen.size > size ? 0 : empty + 1;
      if (tokens.has(next) || empty === MAX_EMPTY_PAGES) {
        throw new ApiBodyError(path, 'malformed', 'the list never ends: its pages repeat or are empty');
      }
      tokens.add(next);
    }
  } finally {
    pages.close();
  }
}

interface ListPage {
  readonly token: string | undefined;
  readonly response: Promise<AsyncIterable<Buffer>>;
  readonly cancel: AbortController;
}

/** Requests the pages of a list, at most one of them ahead of time. */
class ListPages {
  readonly #request: (token: string | undefined) => ListPage;
  #next: ListPage | undefined;

  constructor(
    api: KubeApi,
    path: string,
    { metadataOnly, fieldSelector, labelSelector }: Omit<ReflectorSource, 'path' | 'kind'>,
    signal: AbortSignal,
  ) {
    this.#request = (token) => {
      const cancel = new AbortController();
      const query = { limit: PAGE_SIZE, continue: token, fieldSelector, labelSelector };
      const ending = AbortSignal.any([signal, cancel.signal]);
      const request = { path, query, bulk: true, ...(metadataOnly && { accept: METADATA_LIST }), signal: ending };
      return { token, cancel, response: api.stream(request, LIST_IDLE_MS) };
    };
  }

  /** Requests a page that will be taken later, once. */
  prefetch(token: string): void {
    if (this.#next?.token === token) return;
    this.close();
    this.#next = this.#request(token);
    // The reader of the page gets its error; if the previous page fails, there is no reader.
    this.#next.response.catch(() => {});
  }

  /** The response for a page. */
  take(token: string | undefined): Promise<AsyncIterable<Buffer>> {
    const next = this.#next;
    if (next === undefined || next.token !== token) return this.#request(token).response;
    this.#next = undefined;
    return next.response;
  }

  /**
   * Ends the request for a page that is not read. Never one that was read: its connection may already carry another
   * request.
   */
  close(): void {
    this.#next?.cancel.abort();
    this.#next = undefined;
  }
}
