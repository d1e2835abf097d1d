import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadSettings } from '../../src/commands/settings.ts';
import { answerOf, loadedFrom } from '../../src/commands/settings-answer.ts';
import { loadInProcess, NoAnswer } from '../../src/commands/settings-process.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import type { Loaded } from '../../src/config/load.ts';
import { originsOf } from '../../src/config/origins.ts';
import { scratchFolder } from '../kit/host-tree.ts';

const FULL = `cluster: prod
relabel:
  - { source_labels: [pod, __name__], regex: 'a(b|c);.*', target_label: x, replacement: '$1' }
  - { action: labeldrop, regex: temporary }
groups:
  node: { metricDenylist: ['^go_'], relabel: [{ action: hashmod, source_labels: [pod], target_label: y, modulus: 8 }] }
collectors:
  node: { netdev: { deviceExclude: '^veth' }, filesystem: { mountPointsExclude: '^/(dev|proc)($|/)' } }
  process: { process_names: [{ name: '{{.Comm}}', cmdline: ['.+'] }] }
  log: { enabled: true, files: [{ paths: [/var/log/a.log], rules: [{ pattern: '(?P<code>\\d+)', labels: [code] }] }] }
scrape: { targets: [{ job: a, urls: ['http://127.0.0.1:1/metrics'], metricRelabel: [{ action: drop, regex: a.* , source_labels: [b] }] }] }
tasks:
  - { id: one, type: tcp, target: 'localhost:1' }
  - { id: two, type: http }
exporters:
  main: { type: vmagent, url: 'http://127.0.0.1:1', relabel: [{ action: keep, source_labels: [c], regex: d }] }
  gateway: { type: pushgateway, url: 'http://127.0.0.1:2' }
  remote: { type: remotewrite, url: 'http://127.0.0.1:3/api/v1/write' }
`;

function fileWith(t: TestContext, text: string): string {
  const file = join(scratchFolder(t), 'firesteel.yaml');
  writeFileSync(file, text);
  return file;
}

const problemsOf = async (load: () => unknown): Promise<readonly string[]> => {
  try {
    await load();
  } catch (cause) {
    if (cause instanceof ConfigError) return cause.problems;
    throw cause;
  }
  return assert.fail('the configuration was accepted');
};

const throughBytes = (config: string) => loadedFrom(answerOf(() => loadSettings({ config }, {})));

test('a configuration from another process is the same, including compiled expressions and rules', (t) => {
  const config = fileWith(t, FULL);
  const here = loadSettings({ config }, { FIRESTEEL_TYPO: '1' });
  const there = loadedFrom(answerOf(() => loadSettings({ config }, { FIRESTEEL_TYPO: '1' })));
  assert.deepEqual(there, here);
  const rule = there.config.relabel[0];
  assert.ok(rule?.regex.test('ab;up'));
  assert.equal(there.config.groups.node.metricDenylist[0]?.test('go_gc'), true);
});

test('positions within tasks, which are checked later, are those of the file', (t) => {
  const config = fileWith(t, FULL);
  const placesOf = ({ config: loaded }: Loaded<object>, path: readonly PropertyKey[]) =>
    originsOf(loaded).map((origin) => origin(path))[0];
  const here = loadSettings({ config }, {});
  const there = throughBytes(config);
  for (const path of [
    ['tasks', 0, 'target'],
    ['tasks', 1],
    ['tasks', 1, 'url'],
    ['tasks', 0, 'labels', 'a'],
  ]) {
    assert.equal(placesOf(there, path), placesOf(here, path), path.join('.'));
  }
});

for (const [kind, text] of [
  ['an unknown key', 'push: { intervall: 5s }'],
  ['a wrong value', 'push: { interval: 5 }\nexporters: { a: { type: vmagnet } }'],
  ['a bad expression', 'groups: { node: { metricDenylist: ["("] } }'],
  ['bad YAML', 'push: ['],
  ['no mapping', 'hello'],
] as const) {
  test(`problems are those of this process: ${kind}`, async (t) => {
    const config = fileWith(t, text);
    const here = await problemsOf(() => loadSettings({ config }, {}));
    assert.deepEqual(await problemsOf(() => throughBytes(config)), here);
    assert.deepEqual(await problemsOf(() => loadInProcess({ config }, process.env)), here);
  });
}

test('a separate process reads flags and environment like this one', async (t) => {
  const config = fileWith(t, FULL);
  const values = { config, 'push.interval': '7s', set: ['collectors.node.exclude=[arp]'] };
  const env = { ...process.env, FIRESTEEL_CLUSTER: 'other' };
  assert.deepEqual(await loadInProcess(values, env), loadSettings(values, env));
});

test('a process that the system refuses at once is no answer', async (t) => {
  // Longer than an argument of a program may be (MAX_ARG_STRLEN: 32 pages, which have up to 64 KiB).
  const set = Array.from({ length: 2 }, () => `cluster=${'c'.repeat(2_000_000)}`);
  await assert.rejects(
    loadInProcess({ config: fileWith(t, FULL), set }, process.env),
    (cause) =>
      cause instanceof NoAnswer && /cannot start a process to read the configuration: .*E2BIG/.test(cause.message),
  );
});

test('a process that cannot be started for lack of descriptors is no answer', () => {
  const program = new URL('../../src/commands/settings-process.ts', import.meta.url).href;
  const script = `
    import { openSync } from 'node:fs';
    import { loadInProcess } from ${JSON.stringify(program)};
    try {
      for (;;) openSync('/dev/null');
    } catch {}
    const { name, message } = await loadInProcess({}, process.env).catch((cause) => cause);
    console.log(name + ': ' + message);
  `;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
  const limited = ['-c', 'ulimit -n 200 && exec "$@"', 'sh', process.execPath, ...args];
  const { stdout, stderr } = spawnSync('sh', limited, { encoding: 'utf8' });
  assert.match(stdout, /^NoAnswer: cannot start a process to read the configuration: spawn .*EMFILE\n$/, stderr);
});
