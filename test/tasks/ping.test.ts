// Pings of an unprivileged user in separate network namespaces, with and without the sysctl; times compared with fping's.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { ping } from '../../src/tasks/types/ping.ts';
import { probe, seriesOf, taskWorld } from '../kit/probe.ts';
import { serverAvailable } from '../kit/servers.ts';

const CHILD = fileURLToPath(new URL('../kit/ping-child.ts', import.meta.url));

/** Whether namespaces can be created here, which requires root. */
function mayUnshare(context: TestContext): boolean {
  const made = spawnSync('unshare', ['-n', 'true']).status === 0;
  if (!made) context.skip('network namespaces cannot be created here');
  return made;
}

/** Pings 127.0.0.1 as uid 65534 without capabilities in a separate namespace, in which `group` is allowed to. */
function inNamespace(
  group: string,
  target = '127.0.0.1',
  setUp = '',
): { readonly series?: [string, number][]; readonly error?: string } {
  const script = `
    ip link set lo up
    ${setUp}
    echo "${group}" > /proc/sys/net/ipv4/ping_group_range
    exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --inh-caps=-all \\
      "${process.execPath}" --disable-warning=ExperimentalWarning "${CHILD}" "${target}"`;
  const said = execFileSync('unshare', ['-n', 'sh', '-c', script], { encoding: 'utf8', timeout: 120_000 });
  return JSON.parse(said) as ReturnType<typeof inNamespace>;
}

test('as uid 65534 without capabilities where the sysctl allows its group', (context) => {
  if (!mayUnshare(context)) return;
  for (const target of ['127.0.0.1', '::1']) {
    const { series = [] } = inNamespace('0 2147483647', target);
    const found = new Map(series);
    assert.equal(found.get('probe_success'), 1, target);
    assert.equal(found.get('probe_icmp_reply_hop_limit'), 64);
    assert.equal(found.get('probe_ip_protocol'), target === '::1' ? 6 : 4);
  }
});

test('without it there is no data, and the reason names the sysctl', (context) => {
  if (!mayUnshare(context)) return;
  const { error } = inNamespace('1 0');
  assert.match(error ?? '', /^NoData: .*net\.ipv4\.ping_group_range.*securityContext\.sysctls/);
});

test('an unreachable network is a result', (context) => {
  if (!mayUnshare(context)) return;
  const found = new Map(inNamespace('0 2147483647', '192.0.2.1').series);
  assert.equal(found.get('probe_success'), 0);
  assert.equal(found.get('firesteel_probe_up{reason="unreachable"}'), 1);
});

test('all echoes are counted if the interval is below that of the push', async () => {
  const world = taskWorld({ intervalMs: 1000, pushIntervalMs: 15_000 });
  const options = ping.options.parse({ targets: ['127.0.0.1'], ping: { count: 2, pause: 0 } });
  const run = ping.create(world, options);
  let out = new Snapshot();
  for (let runs = 0; runs < 3; runs++) {
    out = new Snapshot();
    await run(out, AbortSignal.timeout(60_000));
  }
  const found = seriesOf(out);
  const labels = 'ip="127.0.0.1",host="127.0.0.1",source="",tos="0"';
  assert.equal(found.get(`smokeping_requests_total{${labels}}`), 6);
  assert.equal(found.get(`smokeping_response_duration_seconds_count{${labels}}`), 6);
  assert.equal(found.get(`smokeping_response_duration_seconds_bucket{${labels},le="+Inf"}`), 6);
  assert.equal([...found.keys()].filter((key) => key.includes('_bucket')).length, 21);
  assert.equal(found.get(`smokeping_response_ttl{${labels}}`), 64);
  assert.equal(found.get(`smokeping_response_duplicates_total{${labels}}`), 0);
  assert.equal(found.get(`smokeping_send_errors_total{${labels}}`), 0);
  const slower = await probe(ping, '127.0.0.1');
  assert.ok(![...slower.keys()].some((key) => key.startsWith('smokeping')));
});

test('an unresponsive target fails at the timeout', (context) => {
  if (!mayUnshare(context)) return;
  // The route leads to the loopback device, which drops packets for unknown addresses.
  const found = new Map(inNamespace('0 2147483647', '10.9.9.2', 'ip route add 10.9.9.0/24 dev lo').series);
  assert.equal(found.get('probe_success'), 0);
  assert.equal(found.get('firesteel_probe_up{reason="timeout"}'), 1);
  const seconds = found.get('probe_duration_seconds') ?? 0;
  assert.ok(seconds > 0.75 && seconds < 10, `${seconds} s`);
});

/** The minimum is the time of the path; the rest is the load of the machine. */
const least = (values: readonly number[]): number => Math.min(...values);

test('the round trip is that of fping', async (context) => {
  if (!serverAvailable(context, 'fping')) return;
  const theirs: number[] = [];
  const ours: number[] = [];
  const run = ping.create(taskWorld(), ping.options.parse({ targets: ['127.0.0.1'], ping: { count: 20, pause: 10 } }));
  for (let round = 0; round < 5; round++) {
    const { stderr } = spawnSync('fping', ['-q', '-C', '20', '-p', '10', '127.0.0.1'], { encoding: 'utf8' });
    theirs.push(
      ...(stderr.split(' : ')[1] ?? '')
        .trim()
        .split(' ')
        .map((text) => Number(text) / 1000),
    );
    for (let echo = 0; echo < 4; echo++) {
      const out = new Snapshot();
      await run(out, AbortSignal.timeout(60_000));
      ours.push(seriesOf(out).get('probe_icmp_duration_seconds{phase="rtt"}') ?? Number.NaN);
    }
  }
  const off = Math.abs(least(ours) - least(theirs));
  assert.ok(off <= 0.0001, `fping ${least(theirs)} s, ours ${least(ours)} s`);
});
