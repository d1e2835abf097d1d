/** The result of one attempt. */
export interface AttemptResult {
  /** HTTP status code; `error` without a response. */
  readonly code: number | 'error';
  /** `network`: connection failed or broken; `timeout`: no response in time. */
  readonly failure?: 'network' | 'timeout';
  /** The receiver's message, or the error. At most 300 characters, without secrets. */
  readonly text: string;
  /** Whether the message is a web page. */
  readonly isPage?: boolean;
  /** The proxy in use, without credentials. Over http:// the response may be the proxy's own. */
  readonly proxy?: string;
  /** The settings of the exporter with the credentials of the request, such as `headerFiles.X-API-Key`. */
  readonly credentials?: readonly string[];
  readonly retryAfterMs?: number;
}

/**
 * The next action: `done`; `retry` after a backoff; `pause` keeps the batch and sends nothing to the receiver for a
 * minute (an operator has to change something); `split` sends it in two parts; `narrow` omits the families that the
 * receiver rejects and, if there are none, applies `otherwise`; `drop` drops the batch, because it would be rejected
 * again.
 */
type Action = 'done' | 'retry' | 'pause' | 'split' | 'narrow' | 'drop';

/** One row of a protocol's table of responses. */
export interface ResponseRule {
  /** A status, the first and last of a range, or a failure. */
  readonly when: number | readonly [first: number, last: number] | 'network' | 'timeout';
  /** Further condition on the receiver's message. */
  readonly text?: RegExp;
  /** Further condition: whether the message is a web page. */
  readonly page?: boolean;
  readonly action: Action;
  /** For `narrow`; `drop` when unset. */
  readonly otherwise?: 'drop' | 'retry';
  /** Label of the self metrics. */
  readonly reason: string;
  /** Advice for the log. For the reason `auth`, the configured credentials are named when unset. */
  readonly hint?: string;
  /** Maximum number of attempts with this response, including the first. */
  readonly tries?: number;
}

const TLS_PORT =
  /plain HTTP request was sent to HTTPS|HTTP request to an HTTPS server|plain HTTP to an SSL|HTTPS? required/i;
const CLIENT_CERTIFICATE = /(?:SSL|TLS|client) certificate|certificate (?:is )?required/i;
const TENANT = /tenant|account ?id|project ?id|X-Scope-OrgID|no org id/i;
const NO_ROUTE = /missing route|no route|no (?:matching )?(?:backend|upstream|service)|unknown (?:host|route)/i;
const NO_PATH = /unsupported path|path requested|not found|cannot (?:POST|PUT)|no such (?:path|page|handler)/i;

const PATH_HINT = 'no such path at this address: check the path of the url (for a cluster, also the tenant)';

/**
 * Common to all protocols: responses that do not concern the batch, which is therefore kept. Servers have no common
 * status code for these: VictoriaMetrics, vmauth and nginx respond with 400 to a wrong path, a missing route and a
 * request without TLS.
 */
export const ADDRESS_RESPONSES: readonly ResponseRule[] = [
  {
    when: [200, 299],
    action: 'pause',
    reason: 'not_a_receiver',
    hint: 'a success response of another protocol: nothing was stored; check host, port and path of the url, and any proxy in between',
  },
  { when: [300, 399], action: 'pause', reason: 'redirect', hint: 'redirects are not followed: correct the url' },
  {
    when: 407,
    action: 'pause',
    reason: 'proxy',
    hint: 'the proxy requires credentials: check HTTP_PROXY and NO_PROXY',
  },
  {
    when: [400, 499],
    text: TLS_PORT,
    action: 'pause',
    reason: 'tls',
    hint: 'this port expects TLS: use https:// in the url',
  },
  {
    when: [400, 499],
    text: CLIENT_CERTIFICATE,
    action: 'pause',
    reason: 'tls',
    hint: 'the receiver requires a client certificate: set tls.certFile and tls.keyFile, or check them',
  },
  { when: [400, 499], text: NO_PATH, action: 'pause', reason: 'path', hint: PATH_HINT },
  {
    when: [400, 499],
    text: TENANT,
    action: 'pause',
    reason: 'tenant',
    hint: 'check the tenant in the url (of VictoriaMetrics, …/insert/TENANT/prometheus) or in headers',
  },
  {
    when: [400, 499],
    text: NO_ROUTE,
    action: 'pause',
    reason: 'route',
    hint: 'the proxy in front of the receiver has no route for this path: check its configuration and the url',
  },
  { when: [401, 403], action: 'pause', reason: 'auth' },
  { when: [404, 405], action: 'pause', reason: 'path', hint: PATH_HINT },
  { when: 410, action: 'pause', reason: 'path', hint: PATH_HINT },
  {
    when: 'network',
    text: /wrong version number|packet length too long|EPROTO/i,
    action: 'retry',
    reason: 'network',
    hint: 'the port does not speak TLS: use http:// in the url, or check the port',
  },
  {
    when: 'network',
    text: /certificate|CERT_|self.signed/i,
    action: 'retry',
    reason: 'network',
    hint: 'a TLS certificate was not accepted: check tls.caFile, tls.serverName and tls.certFile, and that it has not expired',
  },
  {
    when: 'network',
    text: /tunnel|the proxy/i,
    action: 'retry',
    reason: 'proxy',
    hint: 'the proxy does not allow this request: check HTTPS_PROXY, HTTP_PROXY and NO_PROXY',
  },
  {
    when: 'network',
    text: /ENOTFOUND|EAI_AGAIN|name server/i,
    action: 'retry',
    reason: 'name',
    hint: 'check the host of the url, /etc/resolv.conf and the name server',
  },
  {
    when: 'network',
    text: /socket hang up|Parse Error/i,
    action: 'retry',
    reason: 'network',
    hint: 'closed without a response; if this persists, the port may speak TLS (https:// in the url) or another protocol',
  },
  { when: 'network', action: 'retry', reason: 'network' },
  {
    when: [0, 999],
    action: 'pause',
    reason: 'refused',
    hint: 'not a known response to the data, so the batch is kept: check url, route, TLS, tenant and credentials',
  },
];

/** Advice on credentials that a receiver does not accept. */
const authHint = (configured: readonly string[] = []): string =>
  configured.length === 0
    ? 'no credentials are configured: set auth or headerFiles'
    : `check the credentials: ${configured.join(', ')}`;

const UNKNOWN: ResponseRule = { when: [0, 999], action: 'pause', reason: 'refused' };

/** The first rule of the table that matches the response. */
export function ruleFor(rules: readonly ResponseRule[], result: AttemptResult): ResponseRule {
  // A path that the response repeats is ours, so its words must not match.
  const message = result.text.replaceAll(/(?:https?:)?\/[^\s"'`]*/g, '');
  const fits = ({ when, text, page }: ResponseRule) => {
    if (page !== undefined && page !== (result.isPage ?? false)) return false;
    if (text && !text.test(message)) return false;
    if (typeof when === 'string') return when === result.failure;
    if (typeof when === 'number') return when === result.code;
    return typeof result.code === 'number' && result.code >= when[0] && result.code <= when[1];
  };
  const rule = rules.find(fits) ?? UNKNOWN;
  return rule.reason === 'auth' ? { hint: authHint(result.credentials), ...rule } : rule;
}
