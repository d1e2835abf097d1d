import { COMMON_RESPONSES, classifyBy } from '../entries/classify.ts';
import type { EntryVerdict, LogReply, RejectedEntry } from '../entries/protocol.ts';
import type { ResponseRule } from '../http/responses.ts';

/** Responses of Elasticsearch and OpenSearch to a whole request; the first match applies. */
const RESPONSES: readonly ResponseRule[] = [
  {
    when: 406,
    action: 'pause',
    reason: 'not_a_receiver',
    hint: 'Elasticsearch does not accept this content type: check url and any proxy in between',
  },
  ...COMMON_RESPONSES.filter(({ action }) => action !== 'done'),
];

/** The meaning of the status of one entry, by the type of its error; the first match applies. */
const ITEMS: readonly {
  readonly status: readonly [first: number, last: number];
  readonly error?: RegExp;
  readonly means: 'stored' | 'again' | 'refused' | 'address';
  readonly reason: string;
}[] = [
  { status: [200, 299], means: 'stored', reason: 'ok' },
  // The entry was stored by an upload whose response was lost.
  { status: [409, 409], means: 'stored', reason: 'exists' },
  { status: [429, 429], means: 'again', reason: 'busy' },
  { status: [500, 599], means: 'again', reason: 'server' },
  {
    status: [400, 499],
    error: /^(?:index_|invalid_index|cluster_block|security_|validation_|illegal_state|no_shard|alias_)/,
    means: 'address',
    reason: 'index',
  },
  { status: [401, 404], means: 'address', reason: 'index' },
  { status: [400, 499], error: /mapp|parsing/, means: 'refused', reason: 'mapping' },
  { status: [400, 499], means: 'refused', reason: 'rejected' },
];

const INDEX_HINT =
  'the index or data stream does not accept entries: check its name, its blocks, its template and the permissions';

/** The result of one entry. */
interface Item {
  readonly status: number;
  readonly error: string;
}

/** The results of `count` entries in a response to `_bulk`. */
export function classifyBulk(reply: LogReply, count: number): EntryVerdict {
  if (reply.code !== 200 || reply.isPage === true) return classifyBy(RESPONSES, reply);
  const items = itemsOf(reply.body ?? '');
  // The response contained nothing about the entries; stored ones are recognized by their ids.
  if (items === undefined)
    return classifyBy(
      COMMON_RESPONSES.filter(({ action }) => action !== 'done'),
      reply,
    );
  if (items === 'stored') return { kind: 'accepted' };
  if (items.length !== count) return { kind: 'retry', reason: 'incomplete' };
  const means = items.map(meaningOf);
  const rejected = means.flatMap((one, index): RejectedEntry[] =>
    one.means === 'refused' ? [{ index, reason: one.reason }] : [],
  );
  const again = means.flatMap((one, index) => (one.means === 'again' || one.means === 'address' ? [index] : []));
  if (again.length < count) return { kind: 'accepted', rejected, again };
  const blocked = items[means.findIndex((one) => one.means === 'address')]?.error;
  if (blocked === undefined) return { kind: 'retry', reason: 'busy' };
  return { kind: 'address', reason: 'index', hint: `${blocked}: ${INDEX_HINT}` };
}

const UNKNOWN = { means: 'again', reason: 'unknown' } as const;

const meaningOf = ({ status, error }: Item): Pick<(typeof ITEMS)[number], 'means' | 'reason'> =>
  ITEMS.find((one) => status >= one.status[0] && status <= one.status[1] && (one.error?.test(error) ?? true)) ??
  UNKNOWN;

/** The results by entry, or `stored` if there was no error; undefined if it is not a response to `_bulk`. */
function itemsOf(body: string): readonly Item[] | 'stored' | undefined {
  let response: unknown;
  try {
    response = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof response !== 'object' || response === null || !('errors' in response)) return undefined;
  if (response.errors === false) return 'stored';
  if (!('items' in response) || !Array.isArray(response.items)) return undefined;
  return response.items.map((item: unknown): Item => {
    const [result]: { status?: unknown; error?: unknown }[] = Object.values(Object(item));
    const { type }: { type?: unknown } = Object(result?.error);
    const error = typeof type === 'string' && /^[a-z_]{1,64}$/.test(type) ? type : 'unknown';
    return { status: typeof result?.status === 'number' ? result.status : 0, error };
  });
}
