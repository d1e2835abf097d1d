import assert from 'node:assert/strict';
import { test } from 'node:test';
import { offByDefaultOf } from '../../src/commands/off-by-default.ts';
import { compare, type Differences, type Round, type Rules } from '../../src/diff/compare.ts';
import { REPLACED as PROGRAMS, type Replaced } from '../../src/diff/known.ts';
import { persistent } from '../../src/diff/persistent.ts';
import { readingOf } from '../../src/diff/reading.ts';
import { reasonsFor } from '../../src/diff/reasons.ts';
import { isSame, judge, reportJson, reportText } from '../../src/diff/report.ts';

const RULES: Rules = { restless: /^jumpy/, fromStart: /^since_start/ };

/** Compares two rounds, given as before, ours and after. */
const differ = (...texts: readonly [string, string, string, string, string, string]): Differences => {
  const [b1, o1, a1, b2, o2, a2] = texts.map((text) => readingOf(text.replaceAll('; ', '\n').concat('\n')));
  assert.ok(b1 && o1 && a1 && b2 && o2 && a2);
  return compare(
    [
      { before: b1, ours: o1, after: a1 },
      { before: b2, ours: o2, after: a2 },
    ],
    RULES,
  );
};

const NOTHING = { namesOnlyTheirs: [], namesOnlyOurs: [], seriesOnlyTheirs: [], seriesOnlyOurs: [], values: [] };

test('equal sides do not differ, whatever the order of labels and empty ones', () => {
  const here = 'a{x="1",y="2"} 1; b 2';
  const there = 'a{y="2",x="1",z=""} 1; b 2';
  assert.deepEqual(differ(there, here, there, there, here, there), { compared: 2, ...NOTHING });
});

test('a name that one side lacks is reported once, a series with its labels', () => {
  const here = 'both{a="1"} 1; both{a="2"} 1; mine 1';
  const there = 'both{a="1"} 1; both{a="3"} 1; yours{a="1"} 1; yours{a="2"} 1';
  assert.deepEqual(differ(there, here, there, there, here, there), {
    compared: 1,
    namesOnlyTheirs: [{ name: 'yours', series: 2 }],
    namesOnlyOurs: [{ name: 'mine', series: 1 }],
    seriesOnlyTheirs: ['both{a="3"}'],
    seriesOnlyOurs: ['both{a="2"}'],
    values: [],
  });
});

test('series that appear or vanish between the readings are not differences', () => {
  assert.deepEqual(differ('a 1', 'a 1', 'a 1; late 1', 'a 1; late 1', 'a 1; late 1', 'a 1; late 1'), {
    compared: 1,
    ...NOTHING,
  });
});

const moving: readonly [what: string, readings: Parameters<typeof differ>, same: boolean][] = [
  ['equal', ['a 1', 'a 1', 'a 1', 'a 1', 'a 1', 'a 1'], true],
  ['not a number on both sides', ['a NaN', 'a NaN', 'a NaN', 'a NaN', 'a NaN', 'a NaN'], true],
  ['a different constant', ['a 1', 'a 2', 'a 1', 'a 1', 'a 2', 'a 1'], false],
  ['another sign', ['a 1', 'a -1', 'a 1', 'a 1', 'a -1', 'a 1'], false],
  ['infinity against a number', ['a 1', 'a +Inf', 'a 1', 'a 1', 'a +Inf', 'a 1'], false],
  ['a counter between its readings', ['a 10', 'a 11', 'a 12', 'a 20', 'a 21', 'a 22'], true],
  ['a counter that is far ahead', ['a 10', 'a 100', 'a 12', 'a 20', 'a 110', 'a 22'], false],
  ['equal in one round only', ['a 10', 'a 10', 'a 10', 'a 10', 'a 50', 'a 10'], false],
  ['a gauge that jumps a little', ['jumpy 10', 'jumpy 12', 'jumpy 10', 'jumpy 10', 'jumpy 8', 'jumpy 10'], true],
  ['a gauge that jumps too far', ['jumpy 10', 'jumpy 22', 'jumpy 10', 'jumpy 10', 'jumpy 22', 'jumpy 10'], false],
];
for (const [what, readings, same] of moving) {
  test(`values: ${what}`, () => assert.equal(differ(...readings).values.length === 0, same));
}

test('counters since the start of their program are compared by growth only', () => {
  const typed = (value: number) => `# TYPE since_start counter; since_start ${value}`;
  const grown = (ours: number) =>
    differ(typed(1000), typed(0), typed(1002), typed(1100), typed(ours), typed(1102)).values.length;
  assert.equal(grown(100), 0);
  assert.equal(grown(50), 1);
  assert.equal(grown(150), 1);
});

const REPLACED = { program: 'exporter', section: 'node', names: /./, known: [] } as const;

test('expected differences are separated, and the rest determines the result', () => {
  const differences = differ('a 1; b 1', 'a 2; b 2', 'a 1; b 1', 'a 1; b 1', 'a 2; b 2', 'a 1; b 1');
  const options = { replaced: REPLACED, lines: 1, explained: false };
  const because = (pattern: RegExp) =>
    judge(differences, (series) => (pattern.test(series) ? 'rounded there' : undefined));
  const half = because(/^a\{/);
  assert.equal(isSame(half), false);
  assert.match(
    reportText(half, options),
    /^compared 2 series with exporter: they differ\ndifferent values: 1\n {2}b\{\} {2}Firesteel 2, then 2; exporter 1…1, then 1…1\n1 differences are expected/,
  );
  const both = because(/^[ab]\{/);
  assert.equal(isSame(both), true);
  assert.match(
    reportText(both, { ...options, lines: 9, explained: true }),
    /^compared 2 series with exporter: no unexplained difference\n[\s\S]* {2}2 {2}rounded there\n {7}a\{\}\n {7}b\{\}\n$/,
  );
  assert.match(reportText(because(/none/), options), /different values: 2\n.*\n {2}… and 1 more; --all lists them/);
  // A summary has no details.
  assert.equal(
    reportText(because(/none/), { ...options, lines: 0 }),
    'compared 2 series with exporter: they differ\ndifferent values: 2\n--details lists them\n',
  );
});

test('in JSON, numbers without a JSON form are strings', () => {
  const differences = differ('a 1', 'a +Inf', 'a 1', 'a 1', 'a +Inf', 'a 1');
  assert.deepEqual(
    JSON.parse(
      reportJson(
        judge(differences, () => undefined),
        REPLACED,
      ),
    ),
    {
      program: 'exporter',
      same: false,
      compared: 1,
      differences: { ...NOTHING, values: [{ series: 'a{}', ours: ['Infinity', 'Infinity'], theirs: [1, 1, 1, 1] }] },
      explained: [],
    },
  );
});

test('only differences in all rounds count', () => {
  const once = differ('a 1; b 1; c 1', 'a 2; b 2', 'a 1; b 1; c 1', 'a 1; b 1; c 1', 'a 2; b 2', 'a 1; b 1; c 1');
  const again = differ('a 1; b 1', 'a 3; b 1; d 1', 'a 1; b 1', 'a 1; b 1', 'a 3; b 1; d 1', 'a 1; b 1');
  const left = persistent(once, again);
  assert.deepEqual(
    left.values.map(({ series, ours }) => [series, ours]),
    [['a{}', [3, 3]]],
  );
  assert.deepEqual([left.namesOnlyTheirs, left.namesOnlyOurs], [[], []]);
});

const rounds = (theirs: readonly string[], ours: readonly string[]): Round[] =>
  theirs.map((text, index) => {
    const there = readingOf(`${text.replaceAll('; ', '\n')}\n`);
    return { before: there, ours: readingOf(`${(ours[index] ?? '').replaceAll('; ', '\n')}\n`), after: there };
  });

const reasonOf = async (section: Replaced['section'], theirs: readonly string[], ours: readonly string[] = theirs) => {
  const replaced = PROGRAMS.find((one) => one.section === section);
  assert.ok(replaced);
  return reasonsFor(replaced, await offByDefaultOf(replaced), rounds(theirs, ours));
};

test('changed or vanished groups of processes are not differences', async () => {
  const of = (steady: number, moving: number, gone: number) =>
    Object.entries({ steady, moving, gone })
      .map(([name, count]) => `namedprocess_namegroup_num_procs{groupname="${name}"} ${count}`)
      .join('; ');
  const reason = await reasonOf('process', [of(1, 1, 0), of(1, 2, 0)]);
  const cpu = (name: string) => `namedprocess_namegroup_cpu_seconds_total{groupname="${name}",mode="user"}`;
  assert.equal(reason(cpu('steady'), 'value'), undefined);
  for (const name of ['moving', 'gone']) assert.match(reason(cpu(name), 'value') ?? '', /started or ended/);
});

test('features disabled by default and filters of the other side are reported as reasons', async () => {
  const seen = 'node_filesystem_size_bytes{device="a",mountpoint="/"} 1';
  const reason = await reasonOf('node', [seen, seen]);
  assert.match(
    reason('node_systemd_units{}', 'theirs') ?? '',
    /off by default in Firesteel: collectors\.node\.systemd\.enabled=true/,
  );
  assert.match(reason('node_scrape_collector_success{collector="systemd"}', 'theirs') ?? '', /systemd/);
  assert.equal(reason('node_uname_info{}', 'theirs'), undefined);
  const at = (mountpoint: string) => `node_filesystem_size_bytes{device="a",mountpoint="${mountpoint}"}`;
  assert.match(reason(at('/mnt/x'), 'ours') ?? '', /filesystem\.mountPointsExclude/);
  assert.equal(reason(at('/'), 'ours'), undefined);
  assert.equal(reason(at('/mnt/x'), 'theirs'), undefined);
});

test('for kube-state-metrics and cAdvisor, required settings are reported', async () => {
  const cases: readonly (readonly [Replaced['section'], series: string, setting: RegExp | undefined])[] = [
    ['ksm', 'kube_configmap_info{}', /collectors\.ksm\.resources with configmaps/],
    ['ksm', 'kube_pod_labels{}', /collectors\.ksm\.labelsAllowlist with pods/],
    ['ksm', 'kube_pod_nodeselectors{}', /metricOptInList/],
    ['ksm', 'kube_pod_info{}', undefined],
    ['container', 'container_fs_inodes_free{}', /collectors\.container\.families=kubelet/],
    ['container', 'container_cpu_usage_seconds_total{}', undefined],
  ];
  for (const [section, series, setting] of cases) {
    const reason = (await reasonOf(section, ['a 1', 'a 1']))(series, 'theirs');
    if (setting === undefined) assert.equal(reason, undefined, series);
    else assert.match(reason ?? '', setting);
  }
});
