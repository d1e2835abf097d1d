import { sleep } from '../base/clock.ts';
import { refusal } from './bearer.ts';
import { type Handler, type HttpRequest, json, type RouteMethods, refuse } from './message.ts';
import type { PodInfoGuard } from './pod-info.ts';

/** The holder of a Lease, as query parameters. */
interface Holder {
  readonly lease: string;
  readonly proof: string;
}

/** The candidate that answers its peers: an election. */
interface LeaseCandidate {
  /** One word. */
  answer(question: Holder & { readonly previous: string; readonly transitions: number }): string;
  isHolder(holder: Holder): boolean;
  /** Fires when it has given up the Lease for good. */
  readonly released: AbortSignal;
}

/** Less than the idle timeout of a connection. */
const SIGN_MS = 20_000;
const MAX_WATCHERS = 64;
const SIGN = Buffer.from('alive\n');

/** The routes on which a candidate answers its peers, protected by the guard; `report` returns its state. */
export function leaseRoutes(
  candidate: LeaseCandidate,
  report: () => object,
  guard?: PodInfoGuard,
): Record<'consent' | 'holder' | 'shard', RouteMethods> {
  const guarded = (handler: Handler): RouteMethods => ({
    open: true,
    atOnce: MAX_WATCHERS,
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

/** A periodic heartbeat: the reader waits for the end of the connection. */
async function* signs(gone: HttpRequest['signal']): AsyncGenerator<Buffer> {
  while (!gone.aborted) {
    yield SIGN;
    await sleep(SIGN_MS, gone, { ref: false });
  }
}
