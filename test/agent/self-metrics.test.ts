import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { selfMetrics } from '../../src/agent/self-metrics.ts';
import { samplesOf } from '../kit/samples.ts';

/** Of /proc/self. */
const own = (file: string) => readFileSync(`/proc/self/${file}`, 'latin1');

test('the metrics of this process are those of /proc/self', async () => {
  const registry = new Registry();
  const self = selfMetrics(registry, '1.2.3');
  const samples = async () => samplesOf(await registry.metrics());
  try {
    const before = process.cpuUsage();
    const found = await samples();
    const value = (name: string) => found.get(`${name}{}`) ?? Number.NaN;
    assert.equal(found.get(`firesteel_build_info{node_version="${process.version}",version="1.2.3"}`), 1);
    const started = Date.now() / 1000 - process.uptime();
    assert.ok(Math.abs(value('process_start_time_seconds') - started) < 60);
    assert.ok(value('process_cpu_seconds_total') >= (before.user + before.system) / 1e6);
    assert.ok(value('process_resident_memory_bytes') > 10_000_000);
    assert.ok(value('process_virtual_memory_bytes') > value('process_resident_memory_bytes'));
    assert.ok(value('process_open_fds') >= 3);
    const limit = (name: string) => new RegExp(`^${name} +(\\S+)`, 'm').exec(own('limits'))?.[1];
    assert.equal(value('process_max_fds'), Number(limit('Max open files')));
    const space = limit('Max address space');
    assert.equal(value('process_virtual_memory_max_bytes'), space === 'unlimited' ? 2 ** 64 : Number(space));
    // The first one is that of the start.
    assert.equal(value('firesteel_event_loop_lag_max_seconds'), 0);
    const until = performance.now() + 120;
    await new Promise((resolve) => setImmediate(resolve));
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 10));
    const lag = (await samples()).get('firesteel_event_loop_lag_max_seconds{}') ?? 0;
    assert.ok(lag > 0.05, `firesteel_event_loop_lag_max_seconds ${lag}`);
  } finally {
    self.close();
  }
});

test('without /proc, all other metrics are collected', async (context) => {
  context.mock.method(process.memoryUsage, 'rss', () => {
    throw new Error('ENOENT: no such file or directory, uv_resident_set_memory');
  });
  const registry = new Registry();
  const self = selfMetrics(registry, 'test');
  try {
    const names = [...samplesOf(await registry.metrics()).keys()];
    assert.ok(!names.includes('process_resident_memory_bytes{}'));
    assert.ok(names.includes('process_cpu_seconds_total{}'));
    assert.equal(self.use.rssBytes, 0);
  } finally {
    self.close();
  }
});

test('each open file of this process is counted in the next collection', async () => {
  const registry = new Registry();
  const self = selfMetrics(registry, 'test');
  const count = async () => (await registry.getSingleMetric('process_open_fds')?.get())?.values[0]?.value;
  const opened: number[] = [];
  try {
    for (let more = 0; more < 40; more += 8) {
      // The listing has one more: the folder itself, while it is open.
      assert.equal(await count(), readdirSync('/proc/self/fd').length - 1);
      for (let each = 0; each < more; each++) opened.push(openSync('/proc/self/stat', 'r'));
    }
  } finally {
    for (const fd of opened) closeSync(fd);
    self.close();
  }
  assert.equal(await count(), readdirSync('/proc/self/fd').length - 1);
});
