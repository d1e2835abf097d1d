/** A path that is known to be none to push to, and what to write instead. */
interface WrongPath {
  readonly path: RegExp;
  readonly advice: string;
}

const VICTORIA_ADVICE =
  'give the base URL, such as http://victoria-metrics:8428, or …/insert/0/prometheus of a cluster';

const READS =
  /\/api\/v1\/(?:query|query_range|query_exemplars|series|labels?|export|status|targets|rules|alerts|metadata|admin|format_query)(?:\/|$)/;

const WRONG: Readonly<Record<string, readonly WrongPath[]>> = {
  vmagent: [
    {
      path: /\/api\/v1\/import\/prometheus\/.+$/,
      advice: 'leave out all behind /api/v1/import/prometheus: job and instance come from the agent',
    },
    { path: /\/api\/v1\/import(?:\/(?!prometheus$).*)?$/, advice: `this imports other formats: ${VICTORIA_ADVICE}` },
    { path: /\/api\/v1\/(?:write|push|read|receive)$/, advice: `this is for remote write: ${VICTORIA_ADVICE}` },
    { path: READS, advice: `this answers queries: ${VICTORIA_ADVICE}` },
    { path: /^\/select(?:\/|$)/, advice: `a cluster is read here and written at its vminsert: ${VICTORIA_ADVICE}` },
    {
      path: /^\/insert(?:\/(?:multitenant|\d+(?::\d+)?))?$/,
      advice: 'the tenant’s path is /insert/TENANT/prometheus, such as …/insert/0/prometheus',
    },
    {
      path: /\/metrics(?:\/job(?:@base64)?(?:\/.*)?)?$/,
      advice: `this is a page to scrape, or a Pushgateway (type: pushgateway): ${VICTORIA_ADVICE}`,
    },
    {
      path: /\/(?:vmui|graph|targets|service-discovery|health|-\/(?:healthy|ready|reload)|write|influx.*|datadog.*|opentelemetry.*|opentsdb.*|newrelic.*)$/,
      advice: VICTORIA_ADVICE,
    },
  ],
  pushgateway: [
    {
      path: /\/metrics(?:\/job(?:@base64)?(?:\/.*)?)?$/,
      advice: 'leave out all from /metrics on: the agent adds /metrics/job/… itself',
    },
    {
      path: /\/api\/v1\/import(?:\/.*)?$|\/api\/v1\/(?:write|push|read|receive)$|^\/(?:insert|select)(?:\/|$)|\/vmui$/,
      advice: 'this is a path of VictoriaMetrics: set type: vmagent',
    },
    { path: READS, advice: 'this is the API of Prometheus or VictoriaMetrics; give the gateway’s base URL' },
    { path: /\/api\/v1(?:\/metrics)?$|\/-\/(?:healthy|ready)$/, advice: 'give the gateway’s base URL' },
  ],
};

/** Why `url`, as it was parsed, is known to be wrong for a receiver of `type`, and what to write; undefined if it is not. */
export function wrongUrl(type: string, url: string): string | undefined {
  const { pathname } = new URL(url);
  const path = pathname.replaceAll(/\/{2,}/g, '/').replace(/\/$/, '');
  const wrong = WRONG[type]?.find((known) => known.path.test(path));
  return wrong && `${path} takes no pushes of type ${type}; ${wrong.advice}`;
}
