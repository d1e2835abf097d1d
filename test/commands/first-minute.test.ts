import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkConfig } from '../../src/commands/check-config.ts';
import { isCheckedFile } from '../../src/commands/check-warnings.ts';
import { dispatch } from '../../src/commands/dispatch.ts';
import { COMMANDS } from '../../src/commands/index.ts';
import { nearest } from '../../src/config/nearest.ts';
import { BUNDLE, startAgentProcess } from '../kit/agent.ts';
import { runCommand } from '../kit/command.ts';
import { scratchFolder } from '../kit/host-tree.ts';

/** Runs the bundle as a user does, without flags of Node. */
const bundle = (node: string, ...args: string[]) =>
  spawnSync(node, [BUNDLE, ...args], { encoding: 'utf8', timeout: 120_000, env: { PATH: process.env.PATH } });

/** A Node of the system that is too old; tests run on another one. */
const OLD = ['/usr/bin/node', '/usr/local/bin/node'].find((node) => {
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8', timeout: 120_000 });
  const major = Number(/^v(\d+)/.exec(stdout ?? '')?.[1]);
  return major < 24;
});

test('an old Node version is reported in one line', (t) => {
  if (OLD === undefined || BUNDLE.endsWith('.ts')) return t.skip('no Node older than 24 on this system');
  const { status, stdout, stderr } = bundle(OLD, 'version');
  assert.equal(status, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^firesteel needs Node\.js 24 or newer; \S+ is v\d+\.\S+\.\n$/);
});

test('the bundle prints no Node warnings, whichever way its version is requested', (t) => {
  if (BUNDLE.endsWith('.ts')) return t.skip('only the bundle');
  for (const flag of ['version', '--version', '-v']) {
    const { status, stdout, stderr } = bundle(process.execPath, flag);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^firesteel \d/);
  }
  const { status, stdout, stderr } = bundle(process.execPath, 'collect', '--only', 'node.timex,node.filesystem');
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^# TYPE/m);
});

test('swapped letters count as one mistake', async () => {
  assert.equal(nearest('ulr', ['uri', 'url', 'file']), 'url');
  assert.equal(nearest('lsiten', ['tls', 'listen', 'enabled']), 'listen');
  let stderr = '';
  const io = { stderr: (text: string) => (stderr += text) } as unknown as Parameters<typeof dispatch>[2];
  assert.equal(await dispatch(COMMANDS, ['rnu'], io), 2);
  assert.match(stderr, /did you mean run\?/);
});

test('a run with its own receiver prints the address of the status page, which shows no receiver faults', async (t) => {
  const agent = startAgentProcess(t, ['run', '--with-receiver', '--http.listen', '127.0.0.1:0']);
  await agent.printed(/^status page: http:\S+$/m);
  const url = /^status page: (\S+)$/m.exec(agent.stdout())?.[1] ?? '';
  assert.match(await (await fetch(url)).text(), /<title>Firesteel/);
  await agent.printed(/TARGET/);
  assert.doesNotMatch(agent.stdout(), /\x1b/, 'no control characters without a terminal');
});

test('check-config warns of likely mistakes: nothing set, nothing pushed, missing files', async (t) => {
  const folder = scratchFolder(t);
  const file = join(folder, 'some.yaml');
  const warningsOf = async (text: string) => {
    writeFileSync(file, text);
    const { code, stderr } = await runCommand(checkConfig, [file]);
    assert.equal(code, 0, stderr);
    return stderr.trimEnd().split('\n');
  };
  const nothing = 'warning: no exporter is configured: nothing is pushed, series are only served at /metrics';
  const empty = `warning: ${file} sets nothing: the agent runs with its defaults`;
  assert.deepEqual(await warningsOf(''), [empty, nothing]);
  assert.deepEqual(await warningsOf('---\n# to be written\n'), [empty, nothing]);
  assert.deepEqual(await warningsOf('cluster: prod\n'), [nothing]);
  assert.deepEqual(await warningsOf('exporters: { vm: { type: vmagent, url: "http://vm:8428", enabled: false } }\n'), [
    'warning: no exporter is enabled: nothing is pushed, series are only served at /metrics',
  ]);
  writeFileSync(join(folder, 'ca.pem'), 'x');
  const lines = await warningsOf(`
http: { controlTokenFile: ${folder}/control, tls: { certFile: ${folder}/cert, keyFile: ${folder}/key } }
exporters:
  vm: { type: vmagent, url: "https://vm:8428", auth: { bearerTokenFile: ${folder}/token }, tls: { caFile: ${folder}/ca.pem } }
  off: { type: vmagent, url: "https://vm:8428", enabled: false, auth: { bearerTokenFile: ${folder}/other } }
`);
  assert.deepEqual(
    lines.map((line) => line.replaceAll(folder, 'DIR')).sort(),
    [
      'warning: http.controlTokenFile: cannot read the secret file DIR/control: ENOENT',
      'warning: http.tls.certFile: cannot read DIR/cert: ENOENT',
      'warning: http.tls.keyFile: cannot read DIR/key: ENOENT',
      'warning: exporters.vm.auth.bearerTokenFile: cannot read the secret file DIR/token: ENOENT',
    ].sort(),
  );
});

test('check-config reads the files named in a configuration', async (t) => {
  const folder = scratchFolder(t);
  const file = join(folder, 'some.yaml');
  writeFileSync(join(folder, 'names.yaml'), 'process_names:\n  - nam: x\n');
  writeFileSync(join(folder, 'custom.yaml'), 'spec: { resources: [{ groupVersionKind: 1 }] }\n');
  writeFileSync(file, `collectors: { process: { configFile: ${folder}/names.yaml } }\n`);
  const names = await runCommand(checkConfig, [file]);
  assert.equal(names.code, 2);
  assert.match(names.stderr, /names\.yaml:2:10: process_names\.0\.nam: unknown key/);
  writeFileSync(file, `collectors: { ksm: { enabled: true, customResourceStateFile: ${folder}/custom.yaml } }\n`);
  const custom = await runCommand(checkConfig, [file]);
  assert.equal(custom.code, 2);
  assert.match(custom.stderr, /custom\.yaml/);
});

/** Files that the agent writes, files that are read with the configuration, and keys that are not files. */
const OTHER_FILES = ['configFile', 'customResourceStateFile', 'idsFile', 'payloadFile', 'perFile', 'stateFile'];

test('check-config reads each setting that names a file', () => {
  const schema = readFileSync(new URL('../../docs/config.schema.json', import.meta.url), 'utf8');
  const keys = new Set([...schema.matchAll(/"(\w+File)": \{/g)].map(([, key = '']) => key));
  assert.ok(keys.has('passwordFile') && keys.has('caFile'));
  assert.deepEqual(
    [...keys].filter((key) => !isCheckedFile(key) && !OTHER_FILES.includes(key)),
    [],
  );
});
