import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { COMMON_RESPONSES } from '../../src/exporters/entries/classify.ts';
import {
  ADDRESS_RESPONSES,
  type AttemptResult,
  type ResponseRule,
  ruleFor,
} from '../../src/exporters/http/responses.ts';
import { pushgateway } from '../../src/exporters/pushgateway/pushgateway.ts';
import { RESPONSES, ruleOf } from '../../src/exporters/remotewrite/responses.ts';
import { vmagent } from '../../src/exporters/victoriametrics/vmagent.ts';

// What follows from each response. No row of a table can be removed or overruled by an earlier one without a failure here:
// for each row there is a response that would have another rule without it.

/** A response with the action, reason and number of attempts of its rule. */
type Case = readonly [result: AttemptResult, action: string, reason: string, tries?: number];

const answered = (code: number, text = '', isPage: boolean = false): AttemptResult => ({ code, text, isPage });
const network = (text: string): AttemptResult => ({ code: 'error', text, failure: 'network' });
const TIMEOUT: AttemptResult = { code: 'error', text: '', failure: 'timeout' };

/** About the address and the credentials, whatever the protocol. */
const ADDRESS: readonly Case[] = [
  [answered(206), 'pause', 'not_a_receiver'],
  [answered(302), 'pause', 'redirect'],
  [answered(407), 'pause', 'proxy'],
  [answered(400, 'Client sent an HTTP request to an HTTPS server.'), 'pause', 'tls'],
  [answered(400, 'No required SSL certificate was sent'), 'pause', 'tls'],
  [answered(400, 'unsupported path requested'), 'pause', 'path'],
  [answered(400, 'no org id'), 'pause', 'tenant'],
  [answered(400, 'no route matches'), 'pause', 'route'],
  [answered(401), 'pause', 'auth'],
  [answered(403), 'pause', 'auth'],
  [answered(404), 'pause', 'path'],
  [answered(405), 'pause', 'path'],
  [answered(410), 'pause', 'path'],
  [network('EPROTO: wrong version number'), 'retry', 'network'],
  [network('DEPTH_ZERO_SELF_SIGNED_CERT: self-signed certificate'), 'retry', 'network'],
  [network('the proxy refused the tunnel: 403'), 'retry', 'proxy'],
  [network('ENOTFOUND: getaddrinfo'), 'retry', 'name'],
  [network('HPE_INVALID_CONSTANT: Parse Error: Expected HTTP/'), 'retry', 'network'],
  [network('ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:8428'), 'retry', 'network'],
  [answered(418), 'pause', 'refused'],
  [answered(100), 'pause', 'refused'],
];

interface Table {
  readonly rules: readonly ResponseRule[];
  readonly cases: readonly Case[];
  /** The rule of a response, if not the first that matches. */
  readonly ruleOf?: (result: AttemptResult) => ResponseRule;
}

const PAGE = answered(400, 'a web page "Sign in": line 1 of the samples', true);

const TABLES: Readonly<Record<string, Table>> = {
  'the address': { rules: ADDRESS_RESPONSES, cases: ADDRESS },
  'VictoriaMetrics and vmagent': {
    rules: vmagent.responses,
    cases: [
      ...ADDRESS,
      [answered(204), 'done', 'ok'],
      [answered(200), 'done', 'ok'],
      [answered(200, 'welcome'), 'pause', 'not_a_receiver'],
      [answered(400, 'cannot read a block of data: unexpected EOF'), 'retry', 'transport'],
      [answered(400, 'unsupported contentType: "zstd"'), 'pause', 'encoding'],
      [answered(415), 'pause', 'encoding'],
      [answered(400, 'too long line: more than 262144 bytes'), 'drop', 'rejected'],
      [answered(422, 'cannot parse sample'), 'drop', 'rejected'],
      [PAGE, 'pause', 'refused'],
      [answered(413), 'split', 'too_large'],
      [answered(408), 'retry', 'busy'],
      [answered(425), 'retry', 'busy'],
      [answered(429), 'retry', 'busy'],
      [answered(500), 'retry', 'server_error'],
      [answered(599), 'retry', 'server_error'],
      [TIMEOUT, 'retry', 'timeout'],
    ],
  },
  Pushgateway: {
    rules: pushgateway.responses,
    cases: [
      ...ADDRESS,
      [answered(202), 'done', 'unchecked'],
      [answered(200), 'done', 'ok'],
      [answered(400, 'collected metric x is not a COUNTER'), 'narrow', 'type_conflict'],
      [answered(400, 'text format parsing error in line 1: invalid metric name'), 'pause', 'encoding'],
      [answered(400, 'text format parsing error in line 2'), 'narrow', 'rejected'],
      [answered(400, 'odd number of components in label string'), 'pause', 'path'],
      [PAGE, 'pause', 'refused'],
      [answered(413), 'drop', 'too_large'],
      [answered(408), 'retry', 'busy', 2],
      [answered(425), 'retry', 'busy', 2],
      [answered(429), 'retry', 'busy', 2],
      [answered(500), 'retry', 'server_error', 2],
      [answered(599), 'retry', 'server_error', 2],
      [network('ECONNRESET: socket hang up'), 'narrow', 'network'],
      [TIMEOUT, 'drop', 'timeout'],
    ],
  },
  'remote write': {
    rules: RESPONSES,
    ruleOf: (result) => ruleOf({ ...result, durationSeconds: 0 }),
    cases: [
      ...ADDRESS,
      [answered(200), 'done', 'ok'],
      [answered(204), 'done', 'ok'],
      [answered(200, 'welcome', true), 'pause', 'not_a_receiver'],
      [answered(400, 'snappy: corrupt input'), 'retry', 'transport', 5],
      [answered(400, 'out of order sample'), 'drop', 'out_of_order'],
      [answered(400, 'duplicate sample for timestamp'), 'drop', 'duplicate'],
      [answered(422, 'timestamp is too old'), 'drop', 'too_old'],
      [answered(400, 'timestamp is too far in the future'), 'drop', 'too_new'],
      [answered(400, 'received a sample whose timestamp is too far into the future'), 'drop', 'too_new'],
      [answered(409), 'drop', 'out_of_order'],
      [answered(400, 'bad label'), 'drop', 'rejected'],
      [answered(422), 'drop', 'rejected'],
      [PAGE, 'pause', 'refused'],
      [answered(413), 'split', 'too_large'],
      [answered(415), 'pause', 'encoding'],
      [answered(408), 'retry', 'busy'],
      [answered(425), 'retry', 'busy'],
      [answered(429), 'retry', 'busy'],
      [answered(500), 'retry', 'server_error'],
      [answered(599), 'retry', 'server_error'],
      [TIMEOUT, 'retry', 'timeout'],
    ],
  },
  'receivers of log entries': {
    rules: COMMON_RESPONSES,
    cases: [
      ...ADDRESS,
      [answered(200), 'done', 'ok'],
      [answered(204), 'done', 'ok'],
      [answered(200, 'welcome', true), 'pause', 'not_a_receiver'],
      [answered(413), 'split', 'too_large'],
      [answered(408), 'retry', 'timeout'],
      [answered(425), 'retry', 'too_early'],
      [answered(429), 'retry', 'busy'],
      [answered(500), 'retry', 'server'],
      [answered(599), 'retry', 'server'],
      [TIMEOUT, 'retry', 'timeout'],
    ],
  },
};

for (const [what, { rules, cases, ruleOf: find }] of Object.entries(TABLES)) {
  test(`responses about ${what}`, () => {
    for (const [result, action, reason, tries] of cases) {
      const rule = find?.(result) ?? ruleFor(rules, result);
      assert.deepEqual([rule.action, rule.reason, rule.tries], [action, reason, tries], JSON.stringify(result));
    }
  });

  test(`responses about ${what}: each row decides one`, () => {
    const idle = rules.filter((_, index) => {
      const without = rules.toSpliced(index, 1);
      return cases.every(([result]) => isDeepStrictEqual(ruleFor(rules, result), ruleFor(without, result)));
    });
    assert.deepEqual(idle, [], 'these rows have no case, or an earlier row decides all of them');
  });
}
