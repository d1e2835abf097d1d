import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { startAgentProcess } from '../kit/agent.ts';
import { fixture, fixturePaths } from '../kit/host-tree.ts';
import { hungReceiver } from '../kit/hung-receiver.ts';
import { difference, nameOf, samplesOf } from '../kit/samples.ts';
import { signalsReceived } from '../kit/signals.ts';

const QUIET = ['--http.listen', '127.0.0.1:0'];

/** Collectors that were enabled in the recorded run of node_exporter, and its flags for them as our settings. */
const RECORDED_COLLECTORS =
  'bcachefs buddyinfo cgroups cpu cpu_vulnerabilities cpufreq diskstats dmmultipath drbd filefd interrupts ksmd lnstat loadavg meminfo meminfo_numa mountstats netclass netstat os processes slabinfo softirqs stat sysctl textfile xfrm zoneinfo';
const RECORDED_FLAGS = [
  'cpu.infoFlagsInclude="^(aes|avx.?|constant_tsc)$"',
  'cpu.infoBugsInclude="^(cpu_meltdown|spectre_.*|mds)$"',
  'netclass.ignoredDevices="(dmz|int)"',
  'netclass.ignoreInvalidSpeed=true',
  'stat.softirq=true',
  'sysctl.include=["fs.file-nr","fs.file-nr:total,current,max","kernel.threads-max"]',
  'sysctl.includeInfo=["kernel.seccomp.actions_avail"]',
  `textfile.directory=${fixture('node/textfile/two_metric_files')}`,
];
/** Recorded, but from other collectors, or not from the tree; golden.test.ts has the reasons. */
const NOT_COMPARED = /^node_(?:wifi|qdisc|time|textfile_mtime|scrape_collector|exporter_build)_/;

test("collect on the recorded host prints node_exporter's samples, each family in one piece", {
  timeout: 120_000,
}, async (t) => {
  const expected = samplesOf(readFileSync(fixture('node/expected.prom'), 'utf8'));
  const { procfs, sysfs, rootfs, udev } = fixturePaths();
  const paths = ['--path.procfs', procfs, '--path.sysfs', sysfs, '--path.rootfs', rootfs, '--path.udev', udev];
  const only = RECORDED_COLLECTORS.split(' ').map((name) => `node.${name}`);
  const flags = RECORDED_FLAGS.flatMap((flag) => ['--set', `collectors.node.${flag}`]);
  const agent = startAgentProcess(t, ['collect', '--only', only.join(','), ...paths, ...flags]);
  assert.deepEqual(await agent.ended, { code: 0, signal: null });
  const compared = (samples: Map<string, number>) =>
    new Map([...samples].filter(([series]) => !NOT_COMPARED.test(nameOf(series))));
  assert.deepEqual(difference(compared(samplesOf(agent.stdout())), compared(expected)), []);
  assert.equal(agent.stderr(), '');
  const types = agent.stdout().match(/^# TYPE \S+/gm) ?? [];
  assert.equal(new Set(types).size, types.length);
});

test('run --with-receiver shows this host and exits cleanly', { timeout: 120_000 }, async (t) => {
  const agent = startAgentProcess(t, ['run', '--with-receiver', '--node', 'my-laptop']);
  await agent.printed(/my-laptop[\s\S]*LOAD1/);
  agent.child.kill('SIGINT');
  assert.deepEqual(await agent.ended, { code: 0, signal: null });
  assert.equal(agent.stderr(), '');
});

test('the first screens of run --with-receiver show no rejection and no problem, also when a series ends', {
  timeout: 120_000,
}, async (t) => {
  const stuck = spawn('sleep', ['600']);
  t.after(() => stuck.kill('SIGKILL'));
  const soon = ['--push.interval', '1s', '--set', 'collectors.process.groupExpiry=1s'];
  const agent = startAgentProcess(t, ['run', '--with-receiver', ...soon]);
  const screens = () => agent.stdout().split('Firesteel receiver, up').length;
  await agent.printed(/process-exporter/);
  stuck.kill('SIGKILL');
  const enough = screens() + 4;
  const deadline = performance.now() + 60_000;
  while (screens() < enough && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  agent.child.kill('SIGINT');
  assert.deepEqual(await agent.ended, { code: 0, signal: null });
  assert.ok(screens() >= enough);
  assert.doesNotMatch(agent.stdout(), /refused|troubles/i);
  assert.equal(agent.stderr(), '');
});

test('a second signal ends the process immediately', { timeout: 120_000 }, async (t) => {
  const hung = await hungReceiver(t);
  const agent = startAgentProcess(t, ['run', ...QUIET, '--vmagent.url', hung]);
  await agent.printed(/"msg":"started"/);
  agent.child.kill('SIGTERM');
  await signalsReceived(agent.child.pid ?? 0);
  agent.child.kill('SIGTERM');
  // The signal itself, and not the end of the ordered shutdown, which has code 0.
  assert.deepEqual(await agent.ended, { code: null, signal: 'SIGTERM' });
});

test('the agent is ready after the first collection, whatever its receivers do', { timeout: 120_000 }, async (t) => {
  const agent = startAgentProcess(t, ['run', ...QUIET, '--vmagent.url', 'http://127.0.0.1:9', '--push.interval', '1h']);
  await agent.printed(/"msg":"started"/);
  const url = /"http":"([^"]+)"/.exec(agent.stderr())?.[1];
  await agent.printed(/push failed: network/);
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  const samples = samplesOf(await (await fetch(`${url}/metrics`)).text());
  assert.ok((samples.get('firesteel_export_requests_total{code="error",exporter="vmagent"}') ?? 0) >= 1);
  assert.ok((samples.get('firesteel_cycle_duration_seconds{}') ?? 0) > 0);
  // The push was refused, but collected: a node has hundreds.
  assert.ok((samples.get('firesteel_cycle_samples{}') ?? 0) > 100);
});

test('mistakes on the command line are reported in one line, with exit code 2', { timeout: 120_000 }, async (t) => {
  const cases: [args: string[], message: RegExp][] = [
    [['colect'], /unknown command "colect"; did you mean collect\?/],
    [['run', '--confg', 'x'], /unknown flag --confg; did you mean --config\?/],
    [['run', '--config', '/nowhere.yaml'], /\/nowhere\.yaml: cannot read the configuration file \(ENOENT\)/],
    [['collect', '--only', 'node.lodavg'], /did you mean loadavg\?/],
    [['collect', '--only', 'nod.loadavg'], /no group "nod"/],
    [
      ['run', '--set', 'collectors.ksm.enabled=true'],
      /^collectors\.ksm: kubeconfig: no cluster: .*\/\.kube\/config; set collectors\.ksm\.kubeconfig/,
    ],
    [['receive', '--listen', 'nonsense'], /--listen: expected HOST:PORT, found "nonsense"/],
  ];
  for (const [args, message] of cases) {
    const agent = startAgentProcess(t, args);
    assert.deepEqual(await agent.ended, { code: 2, signal: null }, args.join(' '));
    assert.match(agent.stderr(), message);
  }
});

test('every command prints its usage', { timeout: 120_000 }, async (t) => {
  for (const command of ['', 'run', 'collect', 'check-config', 'receive', 'version', 'render']) {
    const agent = startAgentProcess(t, [...(command === '' ? [] : [command]), '--help']);
    assert.equal((await agent.ended).code, 0, command);
    assert.match(agent.stdout(), /usage: firesteel/, command);
  }
});

test('a reader that closes the pipe early is not an error', { timeout: 120_000 }, async (t) => {
  const agent = startAgentProcess(t, ['collect']);
  agent.child.stdout?.destroy();
  assert.equal((await agent.ended).code, 0);
});
