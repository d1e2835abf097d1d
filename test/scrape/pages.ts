import { gzipSync } from 'node:zlib';

/** A page as served by a web server. */
export interface ServedPage {
  readonly body: string | Buffer;
  readonly type?: string;
  readonly gzip?: boolean;
  readonly status?: number;
}

const HISTOGRAM = ['0.1', '0.5', '1', '+Inf'].map((le, index) => `t_bucket{le="${le}"} ${index * 3}\n`).join('');
const many = (count: number, labels: string) =>
  Array.from({ length: count }, (_, index) => `many_${index % 7}{n="${index}"${labels}} ${index * 1.5}\n`).join('');

/** Pages that both agents must store in the same way. */
export const GOOD: Readonly<Record<string, ServedPage>> = {
  plain: { body: '# HELP a A.\n# TYPE a gauge\na 1\n' },
  labels: { body: 'a{x="1",y="2"} 1\na{x="2",y="1"} 2\n' },
  numbers: { body: 'a 1e3\nb -0.5\nc 0\nd 123456789012345680\ne 1e-9\nf .5\ng 1.\nh 0x10\n'.replace('h 0x10\n', '') },
  infinite: { body: 'a +Inf\nb -Inf\nc 1\n' },
  nan: { body: 'a NaN\nb 1\n' },
  histogram: { body: `# TYPE t histogram\n${HISTOGRAM}t_sum 5.5\nt_count 9\n` },
  summary: { body: '# TYPE s summary\ns{quantile="0.5"} 1\ns{quantile="0.99"} NaN\ns_sum 3\ns_count 2\n' },
  untyped: { body: 'x_total 1\ny 2\n' },
  'no-newline': { body: 'a 1\nb 2' },
  crlf: { body: 'a{x="1"} 1\r\nb 2\r\n' },
  blanks: { body: 'a   1\nb{x="1"}    2\nc\t3\n' },
  comma: { body: 'a{x="1",} 1\n' },
  brackets: { body: 'a{} 1\n' },
  comments: { body: '#\n# a comment\n\n\na 1\n#EOF\n' },
  'type-twice': { body: '# TYPE a gauge\n# TYPE a counter\na 1\n' },
  escapes: { body: 'a{x="q\\"u\\\\o\\nte"} 1\n' },
  utf8: { body: 'a{x="grün 🌳 日本"} 1\n' },
  'clash-job': { body: 'a{job="theirs",instance="theirs"} 1\n' },
  'label-like-value': { body: 'a{x="{job=1},instance=",y="}"} 1\n' },
  stamps: { body: 'a 1 1600000000000\nb{x="1"} 2 1600000000000\n' },
  gzip: { body: many(300, ''), gzip: true },
  large: { body: many(5000, ',pod="some-pod-7d9f8b6c5-x2x4z",namespace="shop",container="app"') },
  'long-label': { body: `a{x="${'y'.repeat(1000)}"} 1\n` },
  empty: { body: '' },
  'only-comments': { body: '# HELP a A.\n# TYPE a gauge\n' },
  'le-order': { body: '# TYPE t histogram\nt_count 9\nt_sum 1\nt_bucket{le="+Inf"} 9\nt_bucket{le="1"} 3\n' },
  'no-type': { body: 'a 1\n', type: 'application/octet-stream' },
};

/** Pages that Firesteel handles differently, with the reason. `up` is the value stored by each, with the number of other series. */
export const OTHERWISE: Readonly<
  Record<string, ServedPage & { readonly ours: Stored; readonly theirs: Stored; readonly why: string }>
> = {
  'clash-exported': {
    body: 'a{job="theirs",exported_job="older"} 1\n',
    ours: { up: 1, series: 1 },
    theirs: { up: 1, series: 1 },
    why: 'exported_job stays and the other becomes exported_exported_job, as in Prometheus; vmagent moves the older one',
  },
  'bad-line': {
    body: 'a 1\nthis is no line\nb 2\n',
    ours: { up: 0, series: 0 },
    theirs: { up: 1, series: 2 },
    why: 'a page with a bad line is rejected completely, as in Prometheus: half a page looks like ended series',
  },
  html: {
    body: '<!doctype html>\n<html><body>Hello</body></html>\n',
    type: 'text/html',
    ours: { up: 0, series: 0 },
    theirs: { up: 1, series: 0 },
    why: 'a web page is not a metrics page',
  },
  twice: {
    body: 'a{x="1"} 1\nb 2\na{x="1"} 1\n',
    ours: { up: 1, series: 2 },
    theirs: { up: 1, series: 2 },
    why: 'the first of two equal series is stored, and the status page reports it; vmagent stores both samples',
  },
  'long-line': {
    body: `a{x="${'y'.repeat(70_000)}"} 1\n`,
    ours: { up: 0, series: 0 },
    theirs: { up: 1, series: 0 },
    why: 'a line of more than 64 KiB fails the scrape; vmagent sends it, and VictoriaMetrics drops it silently',
  },
  'invalid-utf8': {
    body: Buffer.concat([Buffer.from('a{x="'), Buffer.from([0xff, 0xfe]), Buffer.from('"} 1\n')]),
    ours: { up: 0, series: 0 },
    theirs: { up: 1, series: 1 },
    why: 'bytes that are not UTF-8 fail the scrape, as in Prometheus',
  },
};

/** The stored series of a target. */
export interface Stored {
  readonly up: number;
  /** Without those about the scrape itself. */
  readonly series: number;
}

/** The bytes of a page. */
export const bytesOf = ({ body, gzip = false }: ServedPage): Buffer => {
  const bytes = Buffer.from(body as string);
  return gzip ? gzipSync(bytes) : bytes;
};
