import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileMatcher, processName } from '../../../src/collectors/process/matcher.ts';
import { type Attributes, parseTemplate } from '../../../src/collectors/process/template.ts';

const process = (given: Partial<Attributes>): Attributes => ({
  comm: 'x',
  argv: [],
  username: 'root',
  cgroups: [],
  pid: 23,
  startedAt: 0,
  ...given,
});

const named = (entry: object, given: Partial<Attributes>): string | undefined =>
  compileMatcher(processName.parse(entry)).match(process(given));

// Selectors and templates according to process-exporter's documentation, and to the observed behaviour of 0.8.5.
const CASES: readonly (readonly [what: string, entry: object, process: Partial<Attributes>, group?: string])[] = [
  ['comm must be equal', { comm: ['bash', 'sh'] }, { comm: 'sh', argv: ['sh'] }, 'sh'],
  ['comm is not a prefix', { comm: ['bash'] }, { comm: 'bash2', argv: ['bash'] }],
  [
    'exe without a slash is the last part of argv[0]',
    { exe: ['postgres'] },
    { argv: ['/usr/bin/postgres'] },
    'postgres',
  ],
  ['exe with a slash is argv[0] itself', { exe: ['/bin/ksh'] }, { argv: ['/bin/ksh'] }, 'ksh'],
  ['exe with a slash is not another folder', { exe: ['/bin/ksh'] }, { argv: ['/usr/bin/ksh'] }],
  ['exe with a path is not matched by its last part', { exe: ['/bin/ksh'] }, { argv: ['ksh'] }],
  ['all selectors must match', { comm: ['a'], exe: ['b'] }, { comm: 'a', argv: ['c'] }],
  ['all expressions must match', { cmdline: ['one', 'two'] }, { argv: ['/x', 'one'] }],
  ['expressions are not anchored', { cmdline: ['on+e two$'] }, { argv: ['/x', 'onne', 'two'] }, 'x'],
  ['a thread of the kernel has no program', { exe: ['kswapd0'] }, { comm: 'kswapd0' }],
  ['a thread of the kernel matches by comm', { comm: ['kswapd0'] }, { comm: 'kswapd0' }, 'kswapd0'],
  ['no arguments are an empty line', { cmdline: ['.*'] }, { comm: 'kswapd0' }, 'kswapd0'],
  ['an empty line has no character', { cmdline: ['.+'] }, { comm: 'kswapd0' }],
  ['an empty argv[0] is the folder itself', { comm: ['sleep'] }, { comm: 'sleep', argv: ['', '9'] }, '.'],
  ['ExeFull is argv[0]', { comm: ['x'], name: '{{.ExeFull}}' }, { argv: ['/a/b', 'c'] }, '/a/b'],
  ['Username', { comm: ['x'], name: '{{ .Comm }} of {{.Username}}' }, { username: '12345' }, 'x of 12345'],
  ['minus trims', { comm: ['x'], name: '{{ .Comm -}}  x {{- .Comm }} y' }, {}, 'xxx y'],
  ['Cgroups', { comm: ['x'], name: '{{.Cgroups}}' }, { cgroups: ['/', '/kubepods/a'] }, '[/ /kubepods/a]'],
  ['PID', { comm: ['x'], name: '{{.ExeFull}}:{{.PID}}' }, { argv: ['/p'] }, '/p:23'],
  [
    'StartTime',
    { comm: ['x'], name: '{{.StartTime}}' },
    { startedAt: Date.UTC(2026, 10, 21, 1, 58, 28, 510) },
    '2026-11-21 01:58:28.51 +0000 UTC',
  ],
  [
    'StartTime on the second',
    { comm: ['x'], name: '{{.StartTime}}' },
    { startedAt: 20_000 },
    '1970-01-01 00:00:20 +0000 UTC',
  ],
  [
    'Matches',
    { exe: ['postmaster'], cmdline: ['-D\\s+.+?(?P<Path>[^/]+)(?:$|\\s)'], name: '{{.ExeBase}}:{{.Matches.Path}}' },
    { argv: ['/usr/bin/postmaster', '-D', '/data/pg'] },
    'postmaster:pg',
  ],
  [
    'Matches of several expressions, one without a match, and an unknown name',
    { cmdline: ['s(?P<X>l.)ep', '(?P<Y>zz)?'], name: '{{.Matches.X}}|{{.Matches.Y}}|{{.Matches.Z}}' },
    { argv: ['sleep', '300'] },
    'le||<no value>',
  ],
];

for (const [what, entry, given, group] of CASES) {
  test(`${what}: ${group === undefined ? 'no match' : JSON.stringify(group)}`, () => {
    assert.equal(named(entry, given), group);
  });
}

test('expressions match the first 4 KiB of the arguments, and names are truncated to 256 characters', () => {
  const argv = ['x', 'a'.repeat(4094), 'end'];
  assert.equal(named({ cmdline: ['end'] }, { argv }), undefined);
  assert.equal(named({ cmdline: ['(?P<all>.*)'], name: '{{.Matches.all}}' }, { argv })?.length, 256);
});

test('no command line can make an expression backtrack for long', () => {
  const started = performance.now();
  assert.equal(named({ cmdline: ['^(a+)+$'] }, { argv: [`${'a'.repeat(4000)}b`] }), undefined);
  assert.equal(
    named({ cmdline: ['-D\\s+.+?(?P<p>[^/]+)(?:$|\\s)x'] }, { argv: [`-D ${'a'.repeat(4000)}`] }),
    undefined,
  );
  assert.ok(performance.now() - started < 2000, 'with backtracking this would take longer than the age of the sun');
});

test('unsupported templates are rejected with the reason', () => {
  const refused: Readonly<Record<string, RegExp>> = {
    '{{.Cwd}}': /^unsupported template \{\{\.Cwd\}\}; a name may have \{\{\.Comm\}\} /,
    '{{printf "%s" .Comm}}': /^unsupported template/,
    '{{if .Comm}}x{{end}}': /^unsupported template/,
    '{{.Matches}}': /^\{\{\.Matches\}\} would expose the matched command line as a label/,
    '{{.Comm': /has an unclosed \{\{/,
  };
  for (const [template, message] of Object.entries(refused)) {
    assert.throws(() => parseTemplate(template), { message }, template);
  }
});

test('the names of expected groups are known without their processes', () => {
  const expected = (entry: object) => compileMatcher(processName.parse({ expected: true, ...entry })).expectedNames;
  assert.deepEqual(expected({ name: 'db', cmdline: ['postgres'] }), ['db']);
  assert.deepEqual(expected({ name: '{{.Comm}}!', comm: ['a', 'b'] }), ['a!', 'b!']);
  assert.deepEqual(expected({ exe: ['/bin/a', 'b'] }), ['a', 'b']);
  for (const entry of [
    { name: '{{.Comm}}', cmdline: ['x'] },
    { name: '{{.ExeFull}}', exe: ['b'] },
    { name: '{{.Matches.x}}', cmdline: ['(?P<x>.)'] },
  ]) {
    assert.match(String(processName.safeParse({ expected: true, ...entry }).error), /does not depend on its processes/);
  }
});
