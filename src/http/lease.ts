import { sleep } from '../base/clock.ts';
import { refusal } from './bearer.ts';
import { type Endpoint, type Handler, type HttpRequest, json, refuse } from './message.ts';
import type { PodInfoGuard } from './pod-info.ts';

/** Who holds a Lease, as a query. */
interface Holder {
  readonly lease: string;
  readonly proof: string;
}

/** The candidate that peers ask: an election. */
interface LeaseCandidate {
  /** One word. */
  answer(question: Holder & { readonly previous: string; readonly transitions: number }): string;
  isHolder(holder: Holder): boolean;
  /** Fires when it will not hold the Lease again. */
  readonly released: AbortSignal;
}

/** Less than what a silent connection is closed after. */
const SIGN_MS = 10_000;
const MOST_WATCHERS = 64;
const SIGN = Buffer.from('alive\n');

/** The answers of a candidate to its peers, for those whom the guard lets in; `report` is how it stands. */
export function leaseRoutes(
  candidate: LeaseCandidate,
  report: () => object,
  guard?: PodInfoGuard,
): Record<'consent' | 'holder' | 'shard', Endpoint> {
  const guarded = (handler: Handler): Endpoint => ({
    open: true,
    atOnce: MOST_WATCHERS,
    GET: async (request) =>
      (guard && (await refusal(request.headers.authorization, guard.check, guard.onError))) ?? handler(request),
  });
  const consent = guarded(({ query }) => {
    const transitions = Number(query.get('transitions') ?? Number.NaN);
    const question = { ...holderOf(query), previous: query.get('previous') ?? '', transitions };
    if (question.proof === '' || !Number.isSafeInteger(transitions))
      return refuse(400, 'proof or transitions are missing');
    return json(200, { answer: candidate.answer(question) }, { 'cache-control': 'no-store' });
  });
  const holder = guarded(({ query, signal }) =>
    candidate.isHolder(holderOf(query))
      ? {
          status: 200,
          headers: { 'cache-control': 'no-store, no-transform' },
          body: signs(AbortSignal.any([signal, candidate.released])),
        }
      : refuse(404, 'the holder is not this process'),
  );
  const shard = guarded(() => json(200, report(), { 'cache-control': 'no-store' }));
  return { consent, holder: { ...holder, endless: true }, shard };
}

const holderOf = (query: URLSearchParams): Holder => ({
  lease: query.get('lease') ?? '',
  proof: query.get('proof') ?? '',
});

/** A sign of life now and then: the end of the connection is what the reader waits for. */
async function* signs(gone: HttpRequest['signal']): AsyncGenerator<Buffer> {
  while (!gone.aborted) {
    yield SIGN;
    await sleep(SIGN_MS, gone, { ref: false });
  }
}
