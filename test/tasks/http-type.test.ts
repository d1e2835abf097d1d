import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { Host } from '../../src/host/host.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { DeniedAddresses } from '../../src/net/denied.ts';
import { Names } from '../../src/net/names.ts';
import { loadTaskType } from '../../src/tasks/types/index.ts';

const PATHS = { procfs: '/proc', sysfs: '/sys', rootfs: '/', udev: '/run/udev/data', cgroup: '/sys/fs/cgroup' };

test('types are loaded by name, including node collectors', async () => {
  assert.equal((await loadTaskType('http'))?.name, 'http');
  assert.equal((await loadTaskType('node.loadavg'))?.group, 'node');
  for (const name of ['node.', 'node.nothing', 'constructor', '']) assert.equal(await loadTaskType(name), undefined);
});

test('http: success, status and duration of each target under its own instance', async (t) => {
  const server = createServer(({ url }, response) => response.writeHead(url === '/bad' ? 500 : 204).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const type = await loadTaskType('http');
  assert.ok(type);
  const world = (ranges: string[]) => ({
    id: 'web',
    job: 'blackbox-exporter',
    timeoutMs: 5000,
    intervalMs: 30_000,
    pushIntervalMs: 15_000,
    now: Date.now,
    log: createLog('silent'),
    host: new Host(PATHS),
    node: 'n1',
    names: new Names(),
    denied: new DeniedAddresses(ranges),
  });
  const options = type.options.parse({ targets: [`${base}/good?x=1`, `${base}/bad`] });
  const run = async (ranges: string[]) => {
    const out = new Snapshot();
    await type.create(world(ranges), options)(out, AbortSignal.timeout(60_000));
    return Object.fromEntries(out.keys.map((key, index) => [key, out.values[index]]));
  };
  const seen = await run([]);
  const key = (name: string, path: string) => `${name}{job="blackbox-exporter",instance="${base}${path}"}`;
  assert.equal(seen[key('probe_success', '/good?x=1')], 1);
  assert.equal(seen[key('probe_http_status_code', '/good?x=1')], 204);
  assert.equal(seen[key('probe_success', '/bad')], 0);
  assert.equal(seen[key('probe_http_status_code', '/bad')], 500);
  assert.ok((seen[key('probe_duration_seconds', '/good?x=1')] ?? 0) > 0);
  assert.equal((await run(['127.0.0.0/8']))[key('probe_success', '/good?x=1')], 0, 'a denied address is not contacted');
  assert.equal(type.options.safeParse({ targets: ['ftp://x'] }).success, false);
  assert.equal(type.options.safeParse({ targets: ['http://user:secret@x/'] }).success, false);
});
