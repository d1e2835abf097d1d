import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { processSection } from '../../../src/collectors/process/index.ts';
import { collectorsSection } from '../../../src/collectors/sections.ts';
import { ConfigError } from '../../../src/config/config-error.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { configSchema } from '../../../src/config/schema.ts';
import { exporterSection } from '../../../src/exporters/index.ts';
import { scratchFolder } from '../../kit/host-tree.ts';

// As in process-exporter's documentation, and the file of its packages.
const THEIR_FILE = `
process_names:
  # comm is the second field of /proc/<pid>/stat
  - comm: [bash]
  - exe:
    - postgres
    - /usr/local/bin/prometheus
  - name: "{{.ExeFull}}:{{.Matches.Cfgfile}}"
    exe:
    - /usr/local/bin/process-exporter
    cmdline:
    - -config.path\\s+(?P<Cfgfile>\\S+)
  - {name: "{{.Comm}}", cmdline: ['.+']}
`;

const problemsOf = (input: object): string[] => {
  const result = processSection.safeParse(input);
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
};

test("process-exporter's file is accepted unchanged", (t) => {
  const configFile = join(scratchFolder(t), 'names.yml');
  writeFileSync(configFile, THEIR_FILE);
  const { process_names } = processSection.parse({ configFile });
  assert.equal(process_names.length, 4);
  assert.deepEqual(process_names[2], {
    name: '{{.ExeFull}}:{{.Matches.Cfgfile}}',
    exe: ['/usr/local/bin/process-exporter'],
    cmdline: ['-config.path\\s+(?P<Cfgfile>\\S+)'],
    expected: false,
    expectedPorts: [],
  });
});

test('without configuration, processes with arguments are grouped by comm', () => {
  const [entry, ...more] = processSection.parse({}).process_names;
  assert.deepEqual([entry?.name, entry?.cmdline, more], ['{{.Comm}}', ['.+'], []]);
});

/** Lines of a process-exporter file → the message about them, after the file's name. */
const BROKEN: readonly (readonly [text: string, problem: string])[] = [
  [
    'process_names:\n- comm: [a]\n- name: "{{.Comm}}{{.Cwd}}"\n  comm: [b]\n',
    ':3:9: process_names.1.name: unsupported template {{.Cwd}}; a name may have {{.Comm}} {{.ExeBase}} {{.ExeFull}} ' +
      '{{.Username}} {{.Cgroups}} {{.PID}} {{.StartTime}} {{.Matches.NAME}}',
  ],
  [
    'process_names:\n- comm: [a]\n  cmdline:\n  - ok\n  - "(a"\n',
    ':5:5: process_names.0.cmdline.1: invalid regular expression "(a": a "(" without its ")"',
  ],
  [
    'process_names:\n- cmdline: ["(?=a)"]\n',
    ':2:13: process_names.0.cmdline.0: invalid regular expression "(?=a)": RE2 has no "(?=": it would need more than linear time',
  ],
  ['process_names:\n- name: x\n', ':2:3: process_names.0: needs comm, exe or cmdline'],
  ['process_names:\n- {comm: [a], cmdlin: [b]}\n', ':2:23: process_names.0.cmdlin: unknown key'],
  ['process_names:\n- comm: a\n', ':2:9: process_names.0.comm: Invalid input: expected array, received string'],
  ['process_names: [}\n', ':1:17: Flow sequence in block collection must be sufficiently indented and end with a ]'],
  [
    'process_names:\n- comm: [a]\n  name: "{{.PID}}"\n',
    ':3:9: process_names.0.name: {{.PID}} creates one group per process; set allowPid to allow this',
  ],
];

test('a broken file is rejected with the line', (t) => {
  const configFile = join(scratchFolder(t), 'names.yml');
  for (const [text, problem] of BROKEN) {
    writeFileSync(configFile, text);
    assert.equal(problemsOf({ configFile })[0], `configFile: ${configFile}${problem}`);
  }
});

test('invalid entries in the agent’s own configuration are rejected with their line', (t) => {
  const file = join(scratchFolder(t), 'firesteel.yaml');
  writeFileSync(file, 'collectors:\n  process:\n    process_names:\n    - name: "{{.Cwd}}"\n      cmdline: ["("]\n');
  const load = () =>
    loadConfig(configSchema({ collectors: collectorsSection, exporter: exporterSection }), {
      file,
      env: {},
      flags: {},
    });
  assert.throws(load, (error: ConfigError) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(
      error.problems[0],
      `${file}:5:17: collectors.process.process_names.0.cmdline.0: invalid regular expression "(": a "(" without its ")"`,
    );
    assert.match(error.problems[1] ?? '', /:4:13: collectors\.process\.process_names\.0\.name: unsupported template/);
    return true;
  });
});

test('options that exclude each other are rejected', () => {
  assert.deepEqual(problemsOf({ configFile: '/no/such/file' }), ['configFile: /no/such/file: cannot be read (ENOENT)']);
  assert.match(
    problemsOf({ configFile: '/x', process_names: [] })[0] ?? '',
    /configFile and process_names are mutually exclusive/,
  );
  const expectedPorts = { process_names: [{ name: 'a', comm: ['a'], expectedPorts: [80] }] };
  assert.match(problemsOf(expectedPorts)[0] ?? '', /^process_names\.0\.expectedPorts: .*`ports: true`$/);
  assert.deepEqual(problemsOf({ ...expectedPorts, ports: true }), []);
  const byPid = { process_names: [{ name: '{{.StartTime}}', comm: ['a'] }] };
  assert.match(problemsOf(byPid)[0] ?? '', /allowPid/);
  assert.deepEqual(problemsOf({ ...byPid, allowPid: true }), []);
});
