import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { systemd } from '../../../src/collectors/node/systemd.ts';
import type { DbusMessage } from '../../../src/host/dbus-message.ts';
import { DEFAULT_PATHS } from '../../../src/host/paths.ts';
import { collectOnce } from '../../kit/collect.ts';
import { fakeBus, replyTo } from '../../kit/fake-bus.ts';
import { fixture, hostTree } from '../../kit/host-tree.ts';
import { difference, samplesOf } from '../../kit/samples.ts';

const recorded = new Map<string, string>(
  Object.entries(JSON.parse(readFileSync(fixture('node/extra/systemd/replies.json'), 'utf8'))),
);
const NO_PROPERTY = recorded.get('no such property') ?? '';
const NO_SERVICE = recorded.get('no such service') ?? '';

const keyOf = ({ path, member, body }: DbusMessage): string => [path, member, ...body].join(' ');

/** A host whose message bus returns the recorded replies, except for calls that `without` matches. */
async function recordedHost(context: TestContext, without = /^$/, instead = NO_PROPERTY) {
  const rootfs = await fakeBus(context, (call, socket) => {
    const answer = without.test(keyOf(call)) ? instead : (recorded.get(keyOf(call)) ?? NO_PROPERTY);
    socket.write(replyTo(call, answer));
  });
  return { ...DEFAULT_PATHS, rootfs };
}

test('exposes the same as node_exporter for the same systemd', async (t) => {
  const { lines, result } = await collectOnce(systemd, await recordedHost(t), {
    enableTaskMetrics: true,
    enableRestartsMetrics: true,
    enableStartTimeMetrics: true,
  });
  assert.deepEqual(result.errors, []);
  const expected = readFileSync(fixture('node/extra/systemd/expected.prom'), 'utf8');
  assert.deepEqual(difference(samplesOf(`${lines.join('\n')}\n`), samplesOf(expected)), []);
});

test('units are selected by their full name; the summary counts them all', async (t) => {
  const { lines } = await collectOnce(systemd, await recordedHost(t), {
    unitInclude: '(tick|failing)\\..+',
    unitExclude: 'tick',
  });
  const states = lines.filter((line) => line.startsWith('node_systemd_unit_state') && line.endsWith(' 1'));
  assert.deepEqual(states, [
    'node_systemd_unit_state{name="failing.service",state="failed",type="simple"} 1',
    'node_systemd_unit_state{name="tick.service",state="inactive",type="simple"} 1',
    'node_systemd_unit_state{name="tick.timer",state="active",type=""} 1',
  ]);
  assert.ok(lines.includes('node_systemd_units{state="failed"} 2'));
  assert.equal(lines.filter((line) => line.includes('start_time') || line.includes('tasks')).length, 0);
});

test('properties that an older systemd lacks are omitted', async (t) => {
  const { lines, result } = await collectOnce(systemd, await recordedHost(t, /NRefused|Virtualization|Version/));
  assert.equal(result.outcome, 'ok');
  assert.ok(lines.includes('node_systemd_virtualization_info{virtualization_type="unknown"} 1'));
  assert.ok(lines.includes('node_systemd_version{version=""} 0'));
  assert.equal(lines.filter((line) => line.includes('refused')).length, 0);
  assert.ok(lines.includes('node_systemd_socket_accepted_connections_total{name="dbus.socket"} 0'));
});

test('without a message bus, or without systemd on it, there is no data', async (t) => {
  const absent = await collectOnce(systemd, hostTree(t, {}));
  assert.match(absent.result.reason ?? '', /run\/dbus\/system_bus_socket does not exist$/);
  const other = await collectOnce(systemd, await recordedHost(t, /ListUnits/, NO_SERVICE));
  assert.match(other.result.reason ?? '', /^systemd is not on the message bus: The name org.example.Nobody was not/);
  assert.deepEqual([absent.result.outcome, other.result.outcome], ['nodata', 'nodata']);
});

test('a bus that sends garbage is an error', async (t) => {
  const rootfs = await fakeBus(t, (_, socket) => socket.write('l\x02\x00\x01nonsense nonsense'));
  const { lines, result } = await collectOnce(systemd, { ...DEFAULT_PATHS, rootfs });
  assert.deepEqual([lines, result.outcome], [[], 'fault']);
  assert.match(result.reason ?? '', /system_bus_socket: malformed D-Bus message: invalid message length: \d+ bytes/);
});
