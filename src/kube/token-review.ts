import { createHash } from 'node:crypto';
import type { KubeApi } from './api.ts';
import type { KubeObject } from './object.ts';

interface TokenReview extends KubeObject {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: { readonly username?: string };
  };
}

/** Who may come in. */
export interface TokenReviewOptions {
  /** Audiences, one of which the token must be meant for; those of the API server when empty. */
  readonly audiences: readonly string[];
  /** `system:serviceaccount:<namespace>:<name>`, ...; everybody with a valid token when empty. */
  readonly users: readonly string[];
  /** Milliseconds that never step. */
  readonly monotonic: () => number;
}

/** For how long an answer counts. A token that was withdrawn works on for so long. */
const KEPT_MS = { allowed: 60_000, denied: 10_000 };
const MAX_KEPT = 1000;
const DEADLINE_MS = 5000;

/**
 * A check of bearer tokens by the API server (needs the right to create tokenreviews). Tokens are remembered as hashes,
 * each for a minute. The check rejects as the API does when that cannot be asked.
 */
export function tokenReviewer(
  api: Pick<KubeApi, 'json'>,
  { audiences, users, monotonic }: TokenReviewOptions,
): (token: string) => Promise<boolean> {
  const known = new Map<string, { until: number; allowed: Promise<boolean> }>();
  const ask = async (token: string): Promise<boolean> => {
    const review = await api.json<TokenReview | null>({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/tokenreviews',
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, ...(audiences.length > 0 && { audiences }) },
      },
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const { authenticated, user } = review?.status ?? {};
    return authenticated === true && (users.length === 0 || users.includes(user?.username ?? ''));
  };
  return (token) => {
    const id = createHash('sha256').update(token).digest('base64');
    const before = known.get(id);
    if (before && monotonic() < before.until) return before.allowed;
    const entry = { until: monotonic() + DEADLINE_MS, allowed: ask(token) };
    known.delete(id);
    known.set(id, entry);
    if (known.size > MAX_KEPT) known.delete(known.keys().next().value as string);
    entry.allowed.then(
      (allowed) => {
        entry.until = monotonic() + (allowed ? KEPT_MS.allowed : KEPT_MS.denied);
      },
      () => known.delete(id),
    );
    return entry.allowed;
  };
}
