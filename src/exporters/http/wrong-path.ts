/** A path that is known not to accept pushes, and advice on what to use instead. */
export interface WrongPath {
  readonly path: RegExp;
  readonly advice: string;
}

/** The query paths of Prometheus' API, also served by other products. */
export const QUERY_PATHS =
  /\/api\/v1\/(?:query|query_range|query_exemplars|series|labels?|export|status|targets|rules|alerts|metadata|admin|format_query)(?:\/|$)/;

/**
 * Why the parsed `url` is known to be wrong for a receiver of `type`, and what to use instead. Undefined if it is not.
 */
export function wrongUrl(type: string, known: readonly WrongPath[], url: string): string | undefined {
  const { pathname } = new URL(url);
  const path = pathname.replaceAll(/\/{2,}/g, '/').replace(/\/$/, '');
  const wrong = known.find((one) => one.path.test(path));
  return wrong && `${path || '/'} does not accept pushes of type ${type}; ${wrong.advice}`;
}
