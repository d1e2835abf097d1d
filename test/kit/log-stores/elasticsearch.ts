import { flattened, LogStore, objectOf, type StoreReply, type StoreRequest, timeOf } from './store.ts';

const MAX_BODY_BYTES = 100 * 1024 * 1024;
const MAX_ID_BYTES = 512;

/** The result of one document. */
export interface ItemResult {
  readonly status: number;
  readonly type?: string;
  readonly reason?: string;
}

const failed = (status: number, type: string, reason: string): ItemResult => ({ status, type, reason });

/** An error response to a whole request, in Elasticsearch's format. */
export const wholeError = (status: number, type: string, reason: string): StoreReply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ error: { root_cause: [{ type, reason }], type, reason }, status }),
});

/**
 * `_bulk` of Elasticsearch, according to its documentation (elastic.co/docs, Bulk API; OpenSearch's is the same): pairs of
 * lines, the last with its newline, a result for each document in the order of the request, 409 for an existing id.
 */
export class ElasticsearchStore extends LogStore {
  protected override readonly encodings = ['', 'gzip'];
  readonly #documents = new Set<string>();
  /** Chooses the result of each document before it is stored, by its number. */
  judge: (document: number, fields: Readonly<Record<string, string>>) => ItemResult | undefined = () => undefined;
  #seen = 0;

  protected override unknownEncoding(): StoreReply {
    return wholeError(400, 'illegal_argument_exception', 'Malformed content, found extra data after parsing');
  }

  protected override take({ method, url, headers, body }: StoreRequest): StoreReply {
    const [, index = ''] = /^\/([^/]+)\/_bulk$/.exec(url.pathname) ?? [];
    if (index === '' || (method !== 'POST' && method !== 'PUT')) {
      return wholeError(405, 'illegal_argument_exception', `Incorrect HTTP method for uri [${url.pathname}]`);
    }
    const type = headers['content-type'] ?? '';
    if (!/^application\/(?:x-ndjson|json)$/.test(type)) {
      return {
        status: 406,
        body: JSON.stringify({ error: `Content-Type header [${type}] is not supported`, status: 406 }),
      };
    }
    if (body.length > MAX_BODY_BYTES) return { status: 413 };
    if (body.length === 0) return wholeError(400, 'parse_exception', 'request body is required');
    const text = body.toString('utf8');
    if (!text.endsWith('\n')) {
      return wholeError(400, 'illegal_argument_exception', 'The bulk request must be terminated by a newline [\\n]');
    }
    const lines = text.slice(0, -1).split('\n');
    const items: ItemResult[] = [];
    for (let at = 0; at < lines.length; at += 2) {
      const action = objectOf(lines[at] ?? '')?.create as { _id?: unknown } | undefined;
      if (typeof action?._id !== 'string' || at + 1 >= lines.length) {
        this.violated(`malformed action: ${lines[at]}`);
        return wholeError(400, 'illegal_argument_exception', `Malformed action/metadata line [${at + 1}]`);
      }
      items.push(this.#create(index, action._id, lines[at + 1] ?? ''));
    }
    return this.#reply(items, index, url.searchParams.get('filter_path'));
  }

  #create(index: string, id: string, line: string): ItemResult {
    if (Buffer.byteLength(id) > MAX_ID_BYTES) this.violated(`id is too long: ${id}`);
    const document = objectOf(line);
    if (document === undefined) {
      this.violated(`not JSON, or a duplicate name: ${line.slice(0, 200)}`);
      return failed(400, 'document_parsing_exception', 'failed to parse');
    }
    const fields = flattened(document);
    const timeUs = timeOf(fields['@timestamp']);
    if (Number.isNaN(timeUs))
      return failed(400, 'document_parsing_exception', 'data stream timestamp field [@timestamp] is missing');
    const judged = this.judge(this.#seen++, fields);
    if (judged !== undefined) return judged;
    if (this.#documents.has(`${index}/${id}`)) {
      const reason = `[${id}]: version conflict, document already exists (current version [1])`;
      return failed(409, 'version_conflict_engine_exception', reason);
    }
    this.#documents.add(`${index}/${id}`);
    this.stored.push({ id, timeUs, message: String(fields.message), fields, stream: index });
    return { status: 201 };
  }

  #reply(items: readonly ItemResult[], index: string, filter: string | null): StoreReply {
    const errors = items.some(({ status }) => status >= 300);
    const isFiltered = filter === 'errors,items.*.status,items.*.error.type';
    const all = items.map(({ status, type, reason }) => ({
      create: {
        ...(!isFiltered && { _index: index }),
        status,
        ...(type !== undefined && { error: isFiltered ? { type } : { type, reason } }),
      },
    }));
    const body = JSON.stringify({ ...(!isFiltered && { took: 1 }), errors, items: all });
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  }
}
