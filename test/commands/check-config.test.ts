import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { checkConfig } from '../../src/commands/check-config.ts';
import { parseFlags } from '../../src/commands/flags.ts';
import { exporterSection } from '../../src/exporters/index.ts';
import { runCommand } from '../kit/command.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';

const BROKEN = fixture('config/broken');
const TYPES = exporterSection.options.map(({ shape }) => String(shape.type.value));

/** File → the message of check-config, after the file's path. */
const MESSAGES: Readonly<Record<string, string>> = {
  'bad-duration.yaml': ':2:13: push.interval: expected a duration with its unit, such as 15s, 1m30s or 250ms',
  'bad-regex.yaml':
    ':4:27: collectors.node.filesystem.mountPointsExclude: invalid regular expression "^/(dev|proc": a "(" without its ")"',
  'bad-url.yaml': ':4:10: exporters.vm.url: expected http:// or https://, found victoria-metrics://',
  'credentials-in-url.yaml': ':4:10: exporters.vm.url: no credentials in the URL: use auth with a passwordFile',
  'failover-with-query.yaml':
    ':5:16: exporters.vm.failover.0: no query in the URL: a token goes into a file, labels into labels',
  'gateway-at-victoria.yaml':
    ':4:10: exporters.gateway.url: /api/v1/import/prometheus does not accept pushes of type pushgateway; this is a path of VictoriaMetrics: set type: vmagent',
  'half-auth.yaml': ':6:7: exporters.vm.auth: username and passwordFile must be set together',
  'header-that-frames.yaml':
    ':5:35: exporters.vm.headers.Transfer-Encoding: the agent sets this header itself, so it cannot be configured',
  'header-with-newline.yaml': ':5:21: exporters.vm.headers.X-K: a header value is one line without control characters',
  'identity-url-with-query.yaml':
    ':5:12: collectors.container.identity.url: no query in the URL: a token goes into a file, labels into labels',
  'missing-url.yaml': ':3:5: exporters.vm.url: is required',
  'not-a-mapping.yaml': ':1:1: expected a mapping such as "push:", found ["push","exporters"]',
  'not-whole-seconds.yaml': ':2:13: push.interval: must be whole seconds',
  'not-yaml.yaml': ':3:1: All mapping items must start at the same column',
  'prototype-as-name.yaml': ':3:5: exporters.__proto__: this name is reserved: choose another',
  'remote-write-url.yaml':
    ':4:10: exporters.vm.url: /api/v1/write does not accept pushes of type vmagent; this is for remote write: set the base URL, such as http://victoria-metrics:8428, or …/insert/0/prometheus of a cluster',
  'taken-label.yaml':
    ':2:8: labels.pod: container_start_time_seconds has a label of this name, which would be overwritten on every series: choose another name',
  'unknown-key.yaml': ':3:14: push.intervall: unknown key; did you mean interval?',
  'url-with-fragment.yaml': ':4:10: exporters.vm.url: no # in the URL: what follows it is never sent',
  'url-with-query.yaml': ':4:10: exporters.vm.url: no query in the URL: a token goes into a file, labels into labels',
  'wrong-type.yaml': `:3:11: exporters.gateway.type: expected one of ${TYPES.join(', ')}; did you mean pushgateway?`,
};

test('each broken file gets one precise line and exit code 2', async () => {
  for (const [name, message] of Object.entries(MESSAGES)) {
    const file = join(BROKEN, name);
    const { code, stderr } = await runCommand(checkConfig, [file]);
    assert.equal(stderr, `${file}${message}\n`);
    assert.equal(code, 2);
  }
});

test('an unknown collector is reported with the nearest known one', async () => {
  const { stderr } = await runCommand(checkConfig, [join(BROKEN, 'unknown-collector.yaml')]);
  assert.match(stderr, /:3:20: collectors\.node\.exclude\.1: expected one of .*; did you mean meminfo\?\n$/);
});

test('every broken file has a test case', () => {
  assert.deepEqual(readdirSync(BROKEN), [...Object.keys(MESSAGES), 'unknown-collector.yaml'].sort());
});

test('a valid file is shown with its effective settings, header values hidden', async (t) => {
  const file = join(scratchFolder(t), 'good.yaml');
  writeFileSync(file, 'exporters: {vm: {type: vmagent, url: "http://vm:8428", headers: {X-Token: s3cret}}}\n');
  assert.deepEqual(await runCommand(checkConfig, [file]), { code: 0, stdout: `${file}: ok\n`, stderr: '' });
  const { stdout } = await runCommand(checkConfig, [file, '--print']);
  assert.match(stdout, /X-Token: <hidden>/);
  assert.match(stdout, /interval: 15s/);
  assert.doesNotMatch(stdout, /s3cret/);
});

test('the printed configuration can be read again with the same result', async (t) => {
  const folder = scratchFolder(t);
  const [file, printed] = [join(folder, 'some.yaml'), join(folder, 'printed.yaml')];
  writeFileSync(
    file,
    `push: { interval: 90s, phase: 2500ms }
spool: { maxBytes: 1000MB }
scrape: { interval: 5s, targets: [{ job: etcd, urls: ['http://127.0.0.1:2379/metrics'], timeout: 2s }] }
sources: [{ url: 'https://config.example/tasks.yaml', every: 1m }]
relabel: [{ action: labeldrop, regex: uid }]
exporters:
  vm: { type: vmagent, url: 'http://vm:8428', queue: { bytes: 3MiB } }
  gateway: { type: pushgateway, url: 'http://gateway:9091' }
  prometheus: { type: remotewrite, url: 'http://prometheus:9090/api/v1/write' }
`,
  );
  const { stdout } = await runCommand(checkConfig, [file, '--print']);
  for (const text of ['interval: 1m30s', 'phase: 2s500ms', 'maxBytes: 1GB', 'bytes: 3MiB', 'every: 1m'])
    assert.ok(stdout.includes(text), text);
  writeFileSync(printed, stdout);
  const again = await runCommand(checkConfig, [printed, '--print']);
  assert.deepEqual([again.code, again.stderr], [0, '']);
  assert.deepEqual(parse(again.stdout), parse(stdout));
});

test('an unreadable secret causes a warning', async (t) => {
  const file = join(scratchFolder(t), 'secret.yaml');
  writeFileSync(
    file,
    'exporters: {vm: {type: vmagent, url: "http://vm:8428", auth: {username: me, passwordFile: /nowhere/password}}}\n',
  );
  const { code, stderr } = await runCommand(checkConfig, [file]);
  assert.equal(code, 0);
  assert.match(stderr, /^warning: exporters\.vm\.auth\.passwordFile: cannot read the secret file \/nowhere\/password/m);
});

test('two kinds of credentials are an error in exporters and probes, and a warning in scrapes, which use one of them', async (t) => {
  const folder = scratchFolder(t);
  writeFileSync(join(folder, 'secret'), 'secret\n');
  const file = join(folder, 'both.yaml');
  const secret = JSON.stringify(join(folder, 'secret'));
  const auth = `auth: { username: me, passwordFile: ${secret}, bearerTokenFile: ${secret} }`;
  const said = async (text: string) => {
    writeFileSync(file, text);
    const { code, stderr } = await runCommand(checkConfig, [file]);
    return [
      code,
      ...stderr
        .trim()
        .split('\n')
        .filter((line) => line.includes('auth')),
    ];
  };
  const message = 'set either username with passwordFile, or bearerTokenFile, not both';
  assert.deepEqual(await said(`exporters: { vm: { type: vmagent, url: "http://vm:8428", ${auth} } }`), [
    2,
    `${file}:1:64: exporters.vm.auth: ${message}`,
  ]);
  const [code, problem] = await said(`tasks: [{ id: a, type: http, targets: ["http://a/"], http: { ${auth} } }]`);
  assert.equal(code, 2);
  assert.ok(String(problem).endsWith(`http.auth: ${message} (task a)`), String(problem));
  const one = `{ job: a, urls: ["http://127.0.0.1:9/metrics"], ${auth} }`;
  assert.deepEqual(await said(`scrape: { targets: [${one}], pods: [{ name: web, ${auth} }] }`), [
    0,
    `warning: scrape.targets.0.auth: ${message}; bearerTokenFile is ignored`,
    `warning: scrape.pods.0.auth: ${message}; bearerTokenFile is ignored`,
  ]);
});

test('a rule for a label set by the push causes a warning', async (t) => {
  const file = join(scratchFolder(t), 'rules.yaml');
  const rule = '{ target_label: job, replacement: other }';
  const exporters = 'exporters: { vm: { type: vmagent, url: "http://vm:8428" } }';
  writeFileSync(file, `groups: { node: { relabel: [${rule}] }, scrape: { relabel: [${rule}] } }\n${exporters}\n`);
  const { code, stderr } = await runCommand(checkConfig, [file]);
  assert.equal(code, 0);
  assert.equal(stderr, 'warning: groups.node.relabel.0: job is set by identity.node.job, not by rules\n');
});

test('an allowlist for a resource without such a metric causes a warning', async (t) => {
  const file = join(scratchFolder(t), 'lists.yaml');
  const lists =
    'labelsAllowlist: { "*": [a], pods: [a], leases: [a] }, annotationsAllowlist: { volumeattachments: [a] }';
  const exporters = 'exporters: { vm: { type: vmagent, url: "http://vm:8428" } }';
  writeFileSync(file, `collectors: { ksm: { ${lists} } }\n${exporters}\n`);
  const { code, stderr } = await runCommand(checkConfig, [file]);
  assert.equal(code, 0);
  assert.deepEqual(stderr.trim().split('\n'), [
    'warning: collectors.ksm.labelsAllowlist.leases has no effect: no metric of leases follows this list',
    'warning: collectors.ksm.annotationsAllowlist.volumeattachments has no effect: no metric of volumeattachments follows this list',
  ]);
});

test('the default timeout of scrapes follows a short interval, but a configured one must fit', async (t) => {
  const file = join(scratchFolder(t), 'scrape.yaml');
  writeFileSync(file, 'scrape: { interval: 5s }\n');
  const { stdout } = await runCommand(checkConfig, [file, '--print']);
  assert.match(stdout, /^scrape:[\s\S]*?\n {2}timeout: 5s\n/m);
  writeFileSync(file, 'scrape: { interval: 5s, timeout: 8s, targets: [{ job: a, urls: ["http://a:1/metrics"] }] }\n');
  const { code, stderr } = await runCommand(checkConfig, [file]);
  assert.equal(code, 2);
  assert.match(stderr, /^\S+: scrape\.timeout: must not be longer than the interval\n$/);
});

test('an unknown flag is reported with the nearest known one', () => {
  assert.throws(() => parseFlags(['--prnt'], { print: { type: 'boolean' } }), {
    message: 'unknown flag --prnt; did you mean --print?',
  });
});
