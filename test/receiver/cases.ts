// Requests and the responses of the real servers: each was verified with Pushgateway 1.11 and VictoriaMetrics 1.145, except
// those marked as ours.

/** One request to a fresh server. */
export interface Case {
  readonly name: string;
  readonly method?: string;
  readonly path: string;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  /** The text of our response. */
  readonly text?: RegExp;
  /** How the real server responds differently, with the reason. */
  readonly ours?: string;
}

const G = '/metrics/job/x';
const I = '/api/v1/import/prometheus';

/** A push to another group that conflicts with some cases. */
export const BEFORE = '# TYPE taken gauge\ntaken 1\n# TYPE shared gauge\nshared{job="x",instance="i"} 1\n';

export const groupPaths: readonly Case[] = [
  { name: 'a trailing slash is fine', path: '/metrics/job/x/', status: 200 },
  { name: 'base64 without padding', path: '/metrics/job@base64/eA', status: 200 },
  { name: 'base64 with padding', path: '/metrics/job@base64/eA==', status: 200 },
  { name: 'an empty value as base64', path: `${G}/k@base64/=`, status: 200 },
  { name: 'a job in the path again', path: `${G}/job/z`, status: 200 },
  { name: 'a label twice', path: `${G}/a/b/a/c`, status: 200 },
  { name: 'escaped blank and UTF-8', path: `${G}/a/b%20%C3%A4`, status: 200 },
  { name: 'no group', path: '/metrics', status: 405, text: /PUT, POST or DELETE/ },
  { name: 'another path', path: '/nope', status: 404, text: /nothing at PUT "\/nope"/ },
  { name: 'no job', path: '/metrics/job', status: 404 },
  { name: 'a label before job', path: '/metrics/instance/a/job/b', status: 404, text: /starts with \/metrics\/job/ },
  { name: 'a label without value', path: `${G}/y`, status: 400, text: /label "y" in the path has no value/ },
  { name: 'a reserved label', path: `${G}/__y/z`, status: 400, text: /"__y" in the path is not a label name/ },
  { name: 'a bad label name', path: `${G}/a-b/z`, status: 400, text: /"a-b" in the path is not a label name/ },
  { name: 'the wrong base64 alphabet', path: '/metrics/job@base64/+A', status: 400, text: /not base64url: "\+A"/ },
  { name: 'base64 of an impossible length', path: `${G}/a@base64/e`, status: 400, text: /label a .* not base64url/ },
  { name: 'an empty job', path: '/metrics/job@base64/=', status: 400, text: /the job in the path is empty/ },
  { name: 'an escaped slash', path: `${G}/a/b%2Fc`, status: 400, text: /label "c" in the path has no value/ },
  { name: 'a bad escape', path: `${G}/a/b%zz`, status: 400, text: /bad percent escape/ },
  { name: 'an empty value', path: `${G}/a//b/c`, status: 301, text: /give such a value as LABEL@base64/ },
  { name: 'a value of two dots', path: `${G}/a/../b/c`, status: 301 },
  { name: 'GET of a group', method: 'GET', path: G, status: 405 },
  { name: 'PATCH of a group', method: 'PATCH', path: G, status: 405 },
  { name: 'DELETE of nothing', method: 'DELETE', path: '/metrics/job/nobody', status: 202 },
];

export const groupBodies: readonly Case[] = [
  { name: 'nothing', path: G, body: '', status: 200 },
  { name: 'special values', path: G, body: 'a NaN\nb +Inf\nc -1e-3\n', status: 200 },
  {
    name: 'interleaved families',
    path: G,
    body: '# TYPE a gauge\n# TYPE b gauge\na 1\nb 1\na{x="1"} 2\n',
    status: 200,
  },
  {
    name: 'HELP unlike another group',
    path: G,
    body: '# HELP taken x\n# TYPE taken gauge\ntaken{a="b"} 1\n',
    status: 200,
  },
  { name: 'HELP after the samples', path: G, body: 'a 1\n# HELP a x\n', status: 200 },
  {
    name: 'a histogram',
    path: G,
    body: '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n',
    status: 200,
  },
  { name: 'a timestamp', path: G, body: 'a 1\nb 1 1700000000000\n', status: 400, text: /line 2: b has a timestamp/ },
  {
    name: 'no newline at the end',
    path: G,
    body: 'a 1\nb 1',
    status: 400,
    text: /line 2: the last line has no newline/,
  },
  { name: 'a series twice', path: G, body: 'a 1\na 1\n', status: 400, text: /line 2: series a{.*also in line 1/ },
  {
    name: 'a duplicate series, labels in another order',
    path: G,
    body: 'a{x="1",y="2"} 1\na{y="2",x="1"} 2\n',
    status: 400,
    text: /line 2: series a\{job="x",x="1",y="2"\}/,
  },
  {
    name: 'series that the path makes equal',
    path: `${G}/instance/i`,
    body: 'a{instance="1"} 1\na{instance="2"} 2\n',
    status: 400,
    text: /with the labels of the path/,
  },
  { name: 'a label twice', path: G, body: 'a{x="1",x="2"} 1\n', status: 400, text: /line 1: duplicate label x/ },
  {
    name: 'a second TYPE',
    path: G,
    body: '# TYPE a gauge\n# TYPE a gauge\na 1\n',
    status: 400,
    text: /line 2: second TYPE/,
  },
  {
    name: 'a second HELP',
    path: G,
    body: '# HELP a x\n# HELP a x\na 1\n',
    status: 400,
    text: /line 2: second HELP of a/,
  },
  { name: 'TYPE after samples', path: G, body: 'a 1\n# TYPE a gauge\n', status: 400, text: /line 2: TYPE of a after/ },
  { name: 'an unknown type', path: G, body: '# TYPE a info\na 1\n', status: 400, text: /unknown type "info"/ },
  { name: 'a reserved label', path: G, body: 'a{__x="1"} 1\n', status: 400, text: /line 1: a has a label __x/ },
  { name: 'a label __name__', path: G, body: 'a{__name__="b"} 1\n', status: 400 },
  { name: 'a dotted name', path: G, body: 'a.b 1\n', status: 400 },
  { name: 'an invalid value', path: G, body: 'a x\n', status: 400, text: /line 1: "x" is not a number/ },
  {
    name: 'bytes that are not UTF-8',
    path: G,
    body: Buffer.from('a 1\nb{x="\xff"} 1\n', 'latin1'),
    status: 400,
    text: /line 2: not UTF-8/,
  },
  {
    name: 'a type unlike another group',
    path: G,
    body: '# TYPE taken counter\ntaken 1\n',
    status: 400,
    text: /taken is a counter here and a gauge in group \{job="before"\}/,
  },
  {
    name: 'no type, but one in another group',
    path: G,
    body: 'taken 1\n',
    status: 400,
    text: /untyped here and a gauge/,
  },
  {
    name: 'a type unlike its own',
    path: G,
    body: '# TYPE process_cpu_seconds_total gauge\nprocess_cpu_seconds_total 1\n',
    status: 400,
    text: /counter of the Pushgateway itself/,
  },
];

export const imports: readonly Case[] = [
  { name: 'plain', path: I, status: 204 },
  { name: 'the prefixed path', path: `/prometheus${I}`, status: 204 },
  {
    name: 'the path of a cluster',
    path: `/insert/0/prometheus${I}`,
    status: 204,
    ours: 'a single node has no tenants: according to the source of vminsert',
  },
  { name: 'the path of a tenant', path: `/insert/7:3/prometheus${I}/metrics/job/x`, status: 200, ours: 'as before' },
  { name: 'a job', path: `${I}/metrics/job/x/instance/i`, status: 200 },
  { name: 'a job as base64', path: `${I}/metrics/job@base64/eA`, status: 204 },
  { name: 'a trailing slash', path: `${I}/metrics/job/x/y/z/`, status: 200 },
  { name: 'nothing behind job', path: `${I}/metrics/job/`, status: 200 },
  { name: 'another tail', path: `${I}/metrics/instance/a`, status: 204 },
  { name: 'all lines bad', path: I, body: 'x\n{\n', status: 204 },
  { name: 'no newline at the end', path: I, body: 'a 1', status: 204 },
  { name: 'no timestamp in the argument', path: `${I}?timestamp=`, status: 204 },
  { name: 'an empty extra label', path: `${I}?extra_label=x=`, status: 204 },
  { name: 'a fraction as timestamp', path: `${I}?timestamp=1.5`, status: 400, text: /"1\.5" must be an integer/ },
  { name: 'a word as timestamp', path: `${I}?timestamp=abc`, status: 400 },
  { name: 'an extra label without =', path: `${I}?extra_label=x`, status: 400, text: /must have the form name=value/ },
  {
    name: 'a label without value',
    path: `${I}/metrics/job/x/y`,
    status: 400,
    text: /label "y" in the path has no value/,
  },
  { name: 'the wrong base64 alphabet', path: `${I}/metrics/job@base64/+A`, status: 400 },
  { name: 'another path', path: '/api/v1/nope', status: 400, text: /unsupported path "\/api\/v1\/nope"/ },
  {
    name: 'a line of 600 kB',
    path: I,
    body: `a{x="${'y'.repeat(600_000)}"} 1\n`,
    status: 400,
    text: /line 1: longer than/,
  },
];
