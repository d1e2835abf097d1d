/** A path that is known to take no pushes, and what to write instead. */
export interface WrongPath {
  readonly path: RegExp;
  readonly advice: string;
}

/** The paths of Prometheus' API, also served by others, that answer queries. */
export const QUERY_PATHS =
  /\/api\/v1\/(?:query|query_range|query_exemplars|series|labels?|export|status|targets|rules|alerts|metadata|admin|format_query)(?:\/|$)/;

/** Why `url`, as it was parsed, is known to be wrong for a receiver of `type`, and what to write; undefined if it is not. */
export function wrongUrl(type: string, known: readonly WrongPath[], url: string): string | undefined {
  const { pathname } = new URL(url);
  const path = pathname.replaceAll(/\/{2,}/g, '/').replace(/\/$/, '');
  const wrong = known.find((one) => one.path.test(path));
  return wrong && `${path || '/'} takes no pushes of type ${type}; ${wrong.advice}`;
}
