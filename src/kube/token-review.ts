import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { dropFirstAdded } from '../base/first-added.ts';
import type { KubeApi } from './api.ts';
import type { KubeObject } from './object.ts';

interface TokenReview extends KubeObject {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: { readonly username?: string };
  };
}

/** Who is allowed access. */
interface TokenReviewOptions extends Pick<Clock, 'monotonicMs'> {
  /** Accepted audiences; a token must be issued for one of them. Those of the API server when empty. */
  readonly audiences: readonly string[];
  /** `system:serviceaccount:<namespace>:<name>`, ...; every user with a valid token when empty. */
  readonly users: readonly string[];
}

/** How long a result is cached. A revoked token keeps working for up to this time. */
const KEPT_MS = { allowed: 60_000, denied: 10_000 };
const MAX_KEPT = 1000;
const DEADLINE_MS = 5000;

/**
 * Checks bearer tokens with the API server (needs the permission to create tokenreviews). Tokens are cached as hashes,
 * each for a minute. The check rejects like the API client when the API server cannot be asked.
 */
export function tokenReviewer(
  api: Pick<KubeApi, 'json'>,
  { audiences, users, monotonicMs }: TokenReviewOptions,
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
    if (before && monotonicMs() < before.until) return before.allowed;
    const entry = { until: monotonicMs() + DEADLINE_MS, allowed: ask(token) };
    known.delete(id);
    known.set(id, entry);
    dropFirstAdded(known, MAX_KEPT);
    entry.allowed.then(
      (allowed) => {
        entry.until = monotonicMs() + (allowed ? KEPT_MS.allowed : KEPT_MS.denied);
      },
      () => known.delete(id),
    );
    return entry.allowed;
  };
}
