import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { selfMetrics } from '../../src/metrics/self.ts';

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
