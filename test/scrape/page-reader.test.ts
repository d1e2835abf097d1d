import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { relabelRules } from '../../src/config/relabel-schema.ts';
import { Relabeling } from '../../src/metrics/relabel/relabeling.ts';
import { stampText } from '../../src/metrics/text/format.ts';
import { LineBuffer } from '../../src/scrape/line-buffer.ts';
import { BadPage } from '../../src/scrape/page.ts';
import { PageReader } from '../../src/scrape/page-reader.ts';
import { SeriesLimit } from '../../src/scrape/series-limit.ts';
import { SeriesOrder } from '../../src/scrape/series-order.ts';

const STAMP = 1_700_000_000_000;
const TAIL = ` ${stampText(STAMP)}`;

interface Options {
  readonly honorLabels?: boolean;
  readonly honorTimestamps?: boolean;
  readonly rules?: readonly object[];
  readonly limits?: { samples?: number; labels?: number; labelBytes?: number };
  readonly openMetrics?: boolean;
  /** Size in bytes of the pieces of the page. */
  readonly pieces?: number;
}

/** A reader for the target job="j", instance="i:1", and a function that reads a page. */
function reading({
  honorLabels = false,
  honorTimestamps = false,
  rules = [],
  limits = {},
  openMetrics = false,
  pieces = 0,
}: Options = {}) {
  const relabel = z.strictObject({ rules: relabelRules() }).parse({ rules }).rules;
  const order = new SeriesOrder();
  const settings = { rules: relabel, metricAllowlist: [], metricDenylist: [], labels: {} };
  const reader = new PageReader(
    {
      labels: [
        ['job', 'j'],
        ['instance', 'i:1'],
      ],
      pushed: new Set(['cluster']),
      honorLabels,
      honorTimestamps,
      relabel: rules.length > 0 ? [new Relabeling(settings)] : [],
      limits: { samples: 1000, labels: 10, labelBytes: 200, ...limits },
    },
    order,
  );
  return (text: string | Buffer) => {
    const written = new LineBuffer();
    reader.begin(STAMP, openMetrics, written);
    const bytes = Buffer.from(text);
    const size = pieces || bytes.length || 1;
    for (let start = 0; start < bytes.length; start += size) reader.read(bytes.subarray(start, start + size));
    const page = reader.finish();
    const lines = Buffer.concat(written.takeAll()).toString().split('\n').slice(0, -1);
    return { lines, page, change: order.end() };
  };
}

/** The lines without the timestamp of the scrape, which must be present. */
const plain = (lines: readonly string[]): string[] =>
  lines.map((line) => {
    assert.ok(line.endsWith(TAIL), line);
    return line.slice(0, -TAIL.length);
  });

const HEAD = '{job="j",instance="i:1"';

const LINES: readonly (readonly [what: string, text: string, expected: string[], options?: Options])[] = [
  ['a bare name', 'a 1\n', [`a${HEAD}} 1`]],
  ['labels', 'a{x="1",y="2"} 1.5\n', [`a${HEAD},x="1",y="2"} 1.5`]],
  ['a comma after the last label', 'a{x="1",} 1\n', [`a${HEAD},x="1"} 1`]],
  ['empty brackets', 'a{} 1\n', [`a${HEAD}} 1`]],
  ['comments and blank lines', '# HELP a A\n# TYPE a gauge\n\n#c\na 1\n# TYPE a gauge\n', [`a${HEAD}} 1`]],
  ['no newline at the end', 'a 1\nb 2', [`a${HEAD}} 1`, `b${HEAD}} 2`]],
  ['CRLF', 'a{x="1"} 1\r\nb 2\r\n', [`a${HEAD},x="1"} 1`, `b${HEAD}} 2`]],
  ['blanks everywhere', '  a { x = "1" , y="2" }\t 1 \n', [`a${HEAD},x="1",y="2"} 1`]],
  [
    'numbers',
    'a 1e3\nb -0.5\nc NaN\nd +Inf\ne -Inf\nf .5\ng inf\nh 1.\n',
    ['a 1e3', 'b -0.5', 'c NaN', 'd +Inf', 'e -Inf', 'f 0.5', 'g Inf', 'h 1.'].map((line) =>
      line.replace(' ', `${HEAD}} `),
    ),
  ],
  ['escapes', 'a{x="q\\"u\\\\o\\n"} 1\n', [`a${HEAD},x="q\\"u\\\\o\\n"} 1`]],
  ['brackets and commas in a value', 'a{x="{job=1},job=",y="#"} 1\n', [`a${HEAD},x="{job=1},job=",y="#"} 1`]],
  ['UTF-8', 'a{x="grün 🌳"} 1\n', [`a${HEAD},x="grün 🌳"} 1`]],
  ['a timestamp that is not honoured', 'a 1 1600000000000\n', [`a${HEAD}} 1`]],
  [
    'labels that clash',
    'a{job="x",instance="y",cluster="z",exported_job="w"} 1\n',
    [`a${HEAD},exported_exported_job="x",exported_instance="y",exported_cluster="z",exported_job="w"} 1`],
  ],
  [
    'labels that clash and are honoured',
    'a{job="x",cluster="z"} 1\n',
    ['a{instance="i:1",job="x",cluster="z"} 1'],
    { honorLabels: true },
  ],
  ['an empty label that is honoured', 'a{job="",x="1"} 1\n', [`a${HEAD},x="1"} 1`], { honorLabels: true }],
  [
    'a histogram',
    'h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n',
    [`h_bucket${HEAD},le="1"} 1`, `h_bucket${HEAD},le="+Inf"} 2`, `h_sum${HEAD}} 3`, `h_count${HEAD}} 2`],
  ],
  ['a duplicate series', 'a{x="1"} 1\nb 1\na{x="1"} 2\n', [`a${HEAD},x="1"} 1`, `b${HEAD}} 1`]],
  [
    'rules',
    'a{x="1"} 1\nb{x="2"} 2\nc 3\n',
    [`n_a${HEAD},y="1"} 1`, `c${HEAD}} 3`],
    {
      rules: [
        { action: 'drop', source_labels: ['x'], regex: '2' },
        { source_labels: ['x'], regex: '(.+)', target_label: 'y' },
        { source_labels: ['__name__'], regex: 'a', target_label: '__name__', replacement: 'n_a' },
        { action: 'labeldrop', regex: 'x' },
      ],
    },
  ],
  [
    'OpenMetrics',
    '# TYPE a counter\n# UNIT a seconds\na_total{x="1"} 5.0 # {trace_id="t}"} 1 1600000000.5\na_created{x="1"} 1600000000.1\nb 1\n# EOF\n',
    [`a_total${HEAD},x="1"} 5`, `b${HEAD}} 1`],
    { openMetrics: true },
  ],
];

for (const [what, text, expected, options] of LINES) {
  for (const pieces of [0, 1, 7]) {
    test(`${what}${pieces ? `, in pieces of ${pieces} bytes` : ''}`, () => {
      assert.deepEqual(plain(reading({ ...options, pieces })(text).lines), expected);
    });
  }
}

test('honoured timestamps, in milliseconds and in seconds', () => {
  const text = reading({ honorTimestamps: true })('a 1 1600000000123\nb{x="1"} 2\n');
  assert.deepEqual(text.lines, [`a${HEAD}} 1 ${stampText(1600000000123)}`, `b${HEAD},x="1"} 2${TAIL}`]);
  const open = reading({ honorTimestamps: true, openMetrics: true })(
    'a 1 1600000000.123\nb{x="1"} 2 # {t="u"} 1\n# EOF\n',
  );
  assert.deepEqual(open.lines, [`a${HEAD}} 1 ${stampText(1600000000123)}`, `b${HEAD},x="1"} 2${TAIL}`]);
});

const MISDATED: readonly (readonly [what: string, text: string, options?: Options])[] = [
  ['of nanoseconds', 'a 1 1790000000000000000\n'],
  ['before 1970', 'a{x="1"} 1 -5\n'],
  ['beyond the range of a float64', `a 1 ${'9'.repeat(400)}\n`],
  ['in unusual notation', 'a   1 1e15\n'],
  ['of a series with a rule', 'a 1 1790000000000000000\n', { rules: [{ target_label: 'y', replacement: 'z' }] }],
  ['of OpenMetrics, in milliseconds', 'a 1 1790000000000\n# EOF\n', { openMetrics: true }],
];

for (const [what, text, options] of MISDATED) {
  test(`a timestamp ${what} loses its line, unless timestamps are ignored`, () => {
    const honoured = reading({ ...options, honorTimestamps: true })(`first 1\n${text}`);
    assert.deepEqual([honoured.lines.length, honoured.page.kept, honoured.page.misdated], [1, 1, 1]);
    const ignored = reading(options)(`first 1\n${text}`);
    assert.deepEqual([ignored.lines.length, ignored.page.kept, ignored.page.misdated], [2, 2, 0]);
  });
}

const BAD: readonly (readonly [what: string, text: string | Buffer, reason: RegExp, options?: Options])[] = [
  ['HTML', '<html>\n', /^line 1: a line must start with a metric name/],
  ['a value that is not a number', 'a 1\nb x\n', /^line 2: "x" is not a number/],
  ['no value', 'a{x="1"}\n', /^line 1: "" is not a number/],
  ['an open quote', 'a{x="1} 1\n', /^line 1: .*no closing quote/],
  ['text after the timestamp', 'a 1 2 3\n', /^line 1: text after the timestamp/],
  ['labels without a comma', 'a{x="1"y="2"} 1\n', /^line 1: expected/],
  ['a label twice', 'a{x="1",x="2"}  1\n', /^line 1: duplicate label x/],
  [
    'bytes that are not UTF-8',
    Buffer.concat([Buffer.from('a{x="'), Buffer.from([0xff]), Buffer.from('"} 1\n')]),
    /line 1 .*not UTF-8/,
  ],
  ['a line of 64 KiB', `a{x="${'y'.repeat(70_000)}"} 1\n`, /line 1 is longer than 65536 bytes/],
  ['a line without an end', 'x'.repeat(70_000), /line 1 is longer than 65536 bytes/],
  ['too many samples', 'a 1\nb 1\nc 1\n', /more than 2 samples \(limits.samples\)/, { limits: { samples: 2 } }],
  ['too many labels', 'a{x="1",y="2",z="3"} 1\n', /line 1 has 3 labels, the limit is 2/, { limits: { labels: 2 } }],
  ['a label that is too long', `a{x="${'y'.repeat(300)}"} 1\n`, /line 1 has a label x of more than 200 bytes/],
  ['truncated OpenMetrics', 'a 1\n', /ends without "# EOF"/, { openMetrics: true }],
  ['OpenMetrics behind its end', '# EOF\na 1\n', /line 2 follows "# EOF"/, { openMetrics: true }],
];

for (const [what, text, reason, options] of BAD) {
  test(`refused as a whole: ${what}`, () => {
    assert.throws(
      () => reading(options)(text),
      (cause) => {
        assert.ok(cause instanceof BadPage, String(cause));
        assert.match(cause.message, reason);
        return true;
      },
    );
  });
}

test('a page is compared with the previous one: new series, missing series, duplicates', () => {
  const read = reading();
  const steps: [string, { added: number; mayHaveEnded: boolean }][] = [
    ['a 1\nb{x="1"} 1\n', { added: 2, mayHaveEnded: false }],
    ['a 2\nb{x="1"} 3\n', { added: 0, mayHaveEnded: false }],
    ['a 2\nb{x="1"} 3\nc 1\n', { added: 1, mayHaveEnded: false }],
    ['b{x="1"} 3\na 2\nc 1\n', { added: 0, mayHaveEnded: false }],
    ['b{x="1"} 3\nd 2\nc 1\n', { added: 1, mayHaveEnded: true }],
    ['b{x="1"} 3\n', { added: 0, mayHaveEnded: true }],
  ];
  for (const [text, expected] of steps) assert.deepEqual(read(text).change, expected, text);
  const { page } = read('b{x="1"} 3\nb{x="1"} 4\nb{x="2"} 4\na 1\n');
  assert.deepEqual(
    [page.scraped, page.kept, page.duplicates, [...page.names]],
    [
      3,
      3,
      1,
      [
        ['b', 2],
        ['a', 1],
      ],
    ],
  );
});

test('rules have the same result on the first page and on later ones', () => {
  const long = 'x'.repeat(300);
  const page = (value: number) =>
    Array.from({ length: 900 }, (_, index) => `m{pod="p${index}",secret="${long}",uid="${index}"} ${value}\n`).join('');
  const read = reading({
    rules: [
      { action: 'drop', source_labels: ['pod'], regex: 'p.*7' },
      { action: 'labeldrop', regex: 'secret' },
      { source_labels: ['pod'], regex: 'p(.*)', target_label: 'number', replacement: '$1' },
    ],
    limits: { labelBytes: 1000 },
  });
  const first = `${plain(read(page(1)).lines).join('\n')}\n`;
  assert.match(first, /^m\{job="j",instance="i:1",pod="p0",uid="0",number="0"\} 1$/m);
  assert.equal(first.split('\n').length - 1, 810);
  assert.equal(`${plain(read(page(2)).lines).join('\n')}\n`, first.replaceAll('} 1\n', '} 2\n'));
});

test('series beyond the daily limit are dropped, and counted; on the next day they are accepted', () => {
  const limit = new SeriesLimit(2);
  const options = {
    labels: [],
    pushed: new Set<string>(),
    honorLabels: false,
    honorTimestamps: false,
    relabel: [],
    limits: { samples: 1000, labels: 10, labelBytes: 200 },
  };
  const order = new SeriesOrder();
  const reader = new PageReader(options, order, limit);
  const read = (stampMs: number, page: string) => {
    const written = new LineBuffer();
    reader.begin(stampMs, false, written);
    reader.read(Buffer.from(page));
    const { kept } = reader.finish();
    order.end();
    const text = Buffer.concat(written.takeAll()).toString();
    return { names: [...text.matchAll(/^\w+/gm)].map(([name]) => name), kept };
  };
  assert.deepEqual(read(STAMP, 'a 1\nb 1\nc 1\n'), { names: ['a', 'b'], kept: 2 });
  assert.deepEqual([limit.current, limit.dropped], [2, 1]);
  assert.deepEqual(read(STAMP + 30_000, 'c 1\nb 1\nd 1\n').names, ['b']);
  assert.deepEqual([limit.current, limit.dropped], [2, 2]);
  assert.deepEqual(read(STAMP + 86_400_000, 'c 1\nd 1\n').names, ['c', 'd']);
});
