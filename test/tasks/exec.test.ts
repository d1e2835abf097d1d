import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { Host } from '../../src/host/host.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { DeniedAddresses } from '../../src/net/denied.ts';
import { Names } from '../../src/net/names.ts';
import { TaskFailure } from '../../src/tasks/task-type.ts';
import { exec } from '../../src/tasks/types/exec.ts';
import { scratchFolder } from '../kit/host-tree.ts';

const PATHS = { procfs: '/proc', sysfs: '/sys', rootfs: '/', udev: '/run/udev/data', cgroup: '/sys/fs/cgroup' };

/** A timestamp of samples: whole seconds, in milliseconds. The clock is a minute and a half ahead. */
const STAMP = 1_795_000_000_000;

const world = () => ({
  id: 'it',
  job: 'exec',
  timeoutMs: 10_000,
  intervalMs: 30_000,
  pushIntervalMs: 15_000,
  now: () => STAMP + 90_000,
  log: createLog('silent'),
  host: new Host(PATHS),
  node: 'n1',
  names: new Names(),
  denied: new DeniedAddresses([]),
});

/** Runs a script once. */
async function run(
  t: TestContext,
  script: string,
  settings: object = {},
  timeoutMs = 10_000,
  call?: { params: Record<string, string> },
) {
  const path = join(scratchFolder(t), 'script.sh');
  writeFileSync(path, script.startsWith('#!') ? script : `#!/bin/sh\n${script}`);
  chmodSync(path, 0o755);
  const options = exec.options.parse({ command: [path], ...settings });
  const out = new Snapshot();
  let failure: unknown;
  let output = '';
  const startedMs = performance.now();
  await exec
    .create(world(), options)(
      out,
      AbortSignal.timeout(timeoutMs),
      call && {
        ...call,
        report: (text) => {
          output = text;
        },
      },
    )
    .catch((cause: unknown) => {
      failure = cause;
    });
  const tookMs = performance.now() - startedMs;
  for (const [index, key] of out.keys.entries()) {
    if (key === 'script_duration_seconds{script="it"}') assert.ok(Number(out.values[index]) <= tookMs / 1000);
  }
  return {
    tookMs,
    output,
    failure: failure instanceof TaskFailure ? failure : undefined,
    error: failure,
    errors: out.errors.map(({ message }) => message).join('\n'),
    stamps: Object.fromEntries([...(out.stamps ?? [])].map(([index, stamp]) => [out.keys[index], stamp])),
    types: Object.fromEntries([...out.families].map(([name, { type }]) => [name, type])),
    series: Object.fromEntries(
      out.keys
        .map((key, index) => [key, out.values[index]] as const)
        .filter(([key]) => !key.startsWith('script_duration')),
    ),
  };
}

const GOOD = { 'script_success{script="it"}': 1, 'script_exit_code{script="it"}': 0 };

test('prometheus: families with types, only bad lines lost, NaN accepted', async (t) => {
  const { series, types, errors, stamps } = await run(
    t,
    `cat <<'E'
# HELP a_total Counts.
# TYPE a_total counter
a_total{x="1"} 5
b NaN
half li
# TYPE h histogram
h_bucket{le="1"} 1
h_bucket{le="+Inf"} 2
h_sum 3
h_count 2 ${STAMP}
a_total{x="1"} 6
up 1
no_end 7
E`,
  );
  assert.equal(series['a_total{x="1",script="it"}'], 5);
  assert.ok(Number.isNaN(series['b{script="it"}']));
  assert.equal(series['h_bucket{le="+Inf",script="it"}'], 2);
  assert.equal(series['h_count{script="it"}'], 2);
  assert.equal(series['no_end{script="it"}'], 7);
  assert.deepEqual(stamps, { 'h_count{script="it"}': STAMP });
  assert.equal(types.a_total, 'counter');
  assert.equal(types.h, 'histogram');
  assert.match(errors, /line 5/);
  assert.match(errors, /duplicate series a_total/);
});

test('openmetrics: counters, timestamps in seconds, exemplars, EOF', async (t) => {
  const { series, types, errors, stamps } = await run(
    t,
    `cat <<'E'
# TYPE jobs counter
# UNIT jobs jobs
# HELP jobs Jobs.
jobs_total{k="a b"} 4 ${STAMP / 1000}.25 # {trace_id="x"} 1
jobs_created{k="a b"} 1.7e9
# TYPE build info
build_info{v="1"} 1
# EOF
E`,
    { format: 'openmetrics' },
  );
  assert.deepEqual(
    { series, errors },
    {
      series: { ...GOOD, 'jobs_total{k="a b",script="it"}': 4, 'build_info{v="1",script="it"}': 1 },
      errors: '',
    },
  );
  assert.equal(types.jobs_total, 'counter');
  assert.deepEqual(stamps, { 'jobs_total{k="a b",script="it"}': STAMP + 250 });
});

test('json: numbers and booleans are accepted; strings, old times, and labels or series that occur twice are not', async (t) => {
  const list = [
    { name: 'disk', timestamp: STAMP / 1000 + 0.1234, tags: { dev: 'sda' }, value: 1.5 },
    { name: 'is.up', timestamp: STAMP, value: true },
    { name: 'text', value: 'x' },
    { name: 'none', value: null },
    { name: 'old', timestamp: 1_700_000_000, value: 1 },
    { name: 'twice', tags: { 'a.b': 'x', a_b: 'y' }, value: 1 },
    { name: 'same', tags: { a: 'x', b: 'y' }, value: 1 },
    { name: 'same', tags: { b: 'y', a: 'x' }, value: 2 },
  ];
  const { series, errors, stamps } = await run(t, `echo '${JSON.stringify(list)}'`, { format: 'json' });
  assert.deepEqual(series, {
    ...GOOD,
    'plugin_it_disk{dev="sda",script="it"}': 1.5,
    'plugin_it_is_up{script="it"}': 1,
    'plugin_it_same{a="x",b="y",script="it"}': 1,
  });
  assert.deepEqual(stamps, {
    'plugin_it_disk{dev="sda",script="it"}': STAMP + 123,
    'plugin_it_is_up{script="it"}': STAMP,
  });
  assert.match(errors, /5 lines or values were not used/);
  const bad = await run(t, 'echo "[{"', { format: 'json' });
  assert.equal(bad.failure?.result, 'parse');
});

test('influx: fields of all kinds, escapes, timestamps in nanoseconds', async (t) => {
  const { series, errors, stamps } = await run(
    t,
    `printf '%s\\n' 'm,tag=a\\ b,o=2 f1=1,f2=2i,f3="s, t",f4=t ${STAMP}000000' '# a comment' 'rubbish'`,
    { format: 'influx', prefix: 'p_' },
  );
  const labels = '{tag="a b",o="2",script="it"}';
  assert.deepEqual(series, { ...GOOD, [`p_m_f1${labels}`]: 1, [`p_m_f2${labels}`]: 2, [`p_m_f4${labels}`]: 1 });
  assert.deepEqual([...new Set(Object.values(stamps))], [STAMP]);
  assert.match(errors, /field f3 is not a number; line 3/);
});

test('nagios: state and performance data in base units', async (t) => {
  const { series } = await run(
    t,
    `echo "DISK WARNING - 3 MB | '/ used'=3MB;2;4;0;10 time=12ms;;;0 'odd'=U"; echo "more | load=0.5"; exit 1`,
    { format: 'nagios' },
  );
  const key = (name: string, label: string, unit: string) =>
    `plugin_it_${name}{label="${label}",unit="${unit}",script="it"}`;
  assert.equal(series['plugin_it_state{script="it"}'], 1);
  assert.equal(series['script_success{script="it"}'], 1);
  assert.equal(series[key('perfdata', '/ used', 'bytes')], 3 * 1024 ** 2);
  assert.equal(series[key('perfdata_max', '/ used', 'bytes')], 10 * 1024 ** 2);
  assert.equal(series[key('perfdata', 'time', 'seconds')], 0.012);
  assert.equal(series[key('perfdata', 'load', '')], 0.5);
});

/** Path of the plugins of Debian's package. */
const PLUGINS = (process.env.PATH ?? '')
  .split(':')
  .concat('/usr/lib/nagios/plugins')
  .find((folder) => existsSync(join(folder, 'check_load')));

for (const [plugin, args, label] of [
  ['check_load', ['-w', '900,900,900', '-c', '999,999,999'], 'load1'],
  ['check_disk', ['-w', '1%', '-c', '1%', '-p', '/'], '/'],
  ['check_procs', ['-w', '1:90000'], 'procs'],
  ['check_dummy', ['2', 'broken'], undefined],
] as const) {
  test(`a real monitoring plugin: ${plugin}`, {
    skip: PLUGINS === undefined && 'monitoring plugins are not installed',
  }, async (t) => {
    const { series, failure } = await run(t, '', {
      command: [join(PLUGINS ?? '', plugin), ...args],
      env: { LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH ?? '' },
      format: 'nagios',
    });
    assert.equal(failure?.message, undefined);
    assert.ok((series['plugin_it_state{script="it"}'] ?? -1) >= 0);
    if (plugin === 'check_dummy') assert.equal(series['plugin_it_state{script="it"}'], 2);
    if (label) {
      const found = Object.keys(series).filter((key) => key.startsWith(`plugin_it_perfdata{label="${label}"`));
      assert.equal(found.length, 1, Object.keys(series).join('\n'));
    }
  });
}

test('a program that fails: its exit code, and the end of its output', async (t) => {
  const { series, failure } = await run(t, 'echo "a 1"; echo "no disk" >&2; exit 3');
  assert.deepEqual(series, { 'script_success{script="it"}': 0, 'script_exit_code{script="it"}': 3 });
  assert.equal(failure?.result, 'exit');
  assert.match(failure?.message ?? '', /exit code 3: no disk/);
  const tolerated = await run(t, 'echo "a 1"; exit 3', { exitCodes: [0, 3] });
  assert.equal(tolerated.series['a{script="it"}'], 1);
});

test('programs that do not exist, are not executable, or lack their interpreter', async (t) => {
  const missing = await run(t, '', { command: ['/nowhere/x'], cwd: '/' });
  assert.equal(missing.failure?.result, 'spawn');
  assert.equal(missing.series['script_exit_code{script="it"}'], -1);
  const noInterpreter = await run(t, '#!/nowhere/python\n');
  assert.match(noInterpreter.failure?.message ?? '', /its interpreter .* does not exist/);
  const path = join(scratchFolder(t), 'plain');
  writeFileSync(path, '#!/nowhere/python\n');
  const problems = (command: string) => exec.check?.(exec.options.parse({ command: [command] })) ?? [];
  assert.match(problems(path).join(), /is not executable by this user/);
  chmodSync(path, 0o755);
  assert.match(problems(path).join(), /\/nowhere\/python, the interpreter of .*plain, does not exist/);
  assert.match(problems('/nowhere/x').join(), /does not exist/);
  assert.deepEqual(problems('/bin/sh'), []);
});

const alive = (mark: string): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(mark) && Number(pid) !== process.pid;
      } catch {
        return false;
      }
    });

test('a program that ignores SIGTERM, with fifty children, is ended completely', async (t) => {
  const mark = `9${Date.now() % 100_000}1`;
  const { failure, tookMs, series } = await run(
    t,
    `trap '' TERM; for i in $(seq 50); do (trap '' TERM; sleep ${mark}) & done; sleep ${mark}`,
    {},
    700,
  );
  assert.equal(failure?.result, 'timeout');
  assert.ok(tookMs >= 2500 && tookMs < 60_000, String(tookMs));
  assert.equal(series['script_exit_code{script="it"}'], 137);
  const deadline = performance.now() + 60_000;
  while (alive(mark).length > 0 && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(alive(mark), []);
});

test('a gigabyte of output is truncated at the limit, and memory stays constant', async (t) => {
  const before = process.memoryUsage.rss();
  const { failure, tookMs } = await run(
    t,
    'yes "a_long_line_of_output 12345" | head -c 1000000000',
    { limits: { output: '1MiB' } },
    60_000,
  );
  assert.equal(failure?.result, 'output_limit');
  assert.ok(tookMs < 20_000, String(tookMs));
  assert.ok(process.memoryUsage.rss() - before < 60e6);
});

for (const [bytes, result] of [
  [65_536, 'ok'],
  [65_537, 'output_limit'],
  [131_072, 'output_limit'],
] as const) {
  test(`${bytes} bytes of output at a limit of 64 KiB: ${result}`, async (t) => {
    const script = `printf 'a 1\\n#'; head -c ${bytes - 6} /dev/zero | tr '\\0' x; echo`;
    const { failure } = await run(t, script, { limits: { output: '64KiB' } });
    assert.equal(failure?.result ?? 'ok', result);
  });
}

test('children that keep the pipes open, or close them and sleep, delay nothing', async (t) => {
  const holds = await run(t, 'echo "a 1"; sleep 600 & exit 0');
  assert.equal(holds.series['a{script="it"}'], 1);
  assert.ok(holds.tookMs < 8000, String(holds.tookMs));
  const closes = await run(t, 'echo "a 1"; exec >&- 2>&-; sleep 600', {}, 500);
  assert.equal(closes.failure?.result, 'timeout');
});

test('limits of series and lines; other encodings', async (t) => {
  const many = await run(t, 'for i in $(seq 20); do echo "a{i=\\"$i\\"} 1"; done', { limits: { series: 10 } });
  assert.equal(many.failure?.result, 'series_limit');
  const long = await run(t, 'echo "a 1"; head -c 2000 /dev/zero | tr "\\0" x; echo " 1"', { limits: { line: '1KiB' } });
  assert.equal(long.series['a{script="it"}'], 1);
  assert.match(long.errors, /line 2 is longer than 1024 bytes/);
  const latin = await run(t, `printf 'a{x="caf\\351"} 1\\n'`);
  assert.equal(latin.series['a{x="caf\uFFFD",script="it"}'], 1);
});

test('the environment has its configured variables and none of the agent; the working folder is that of the program', async (t) => {
  process.env.SECRET_OF_AGENT = 'x';
  const { output } = await run(t, 'env; pwd', { env: { LANG: 'C' } }, 10_000, { params: {} });
  assert.doesNotMatch(output, /SECRET_OF_AGENT/);
  assert.match(output, /LANG=C/);
  assert.match(output, /PATH=\/usr/);
});

test('parameters of on-demand runs', async (t) => {
  const params = { allow: '^[a-z]+$' };
  const { output } = await run(t, 'echo "# $1"', { params }, 10_000, { params: { disk: 'sda' } });
  assert.match(output, /# disk=sda/);
  const check = (settings: object, given: Record<string, string>) =>
    exec.checkCall?.(exec.options.parse({ command: ['/bin/sh'], ...settings }), given);
  assert.equal(check({ params }, { disk: 'sda' }), undefined);
  assert.match(check({ params }, { disk: 'sda; rm -rf /' }) ?? '', /does not match/);
  assert.match(check({}, { disk: 'sda' }) ?? '', /takes no parameters/);
});

test('a spawn does not block the event loop for long', async (t) => {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last - 1);
    last = performance.now();
  }, 1);
  const blocks: number[] = [];
  for (let index = 0; index < 10; index++) {
    longest = 0;
    last = performance.now();
    await run(t, 'echo "a 1"');
    blocks.push(longest);
  }
  clearInterval(timer);
  blocks.sort((a, b) => a - b);
  t.diagnostic(`blocks: median ${blocks[5]?.toFixed(1)} ms, longest ${blocks[9]?.toFixed(1)} ms`);
  assert.ok((blocks[5] ?? 0) <= 60, String(blocks));
});

test('an agent without the capabilities refuses user: when loading', { skip: process.getuid?.() !== 0 }, () => {
  const script = `
    import { exec } from ${JSON.stringify(new URL('../../src/tasks/types/exec.ts', import.meta.url).href)};
    process.setgid(65534); process.setuid(65534);
    try { exec.create({ id: 'x', now: Date.now }, exec.options.parse({ command: ['/bin/sh'], user: '0:0' })); console.log('taken'); }
    catch (cause) { console.log(cause.message); }`;
  const said = execFileSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
    { encoding: 'utf8' },
  );
  assert.match(
    said,
    /this agent runs as UID 65534 without CAP_SETUID and CAP_SETGID, so it cannot run programs as 0:0/,
  );
});
