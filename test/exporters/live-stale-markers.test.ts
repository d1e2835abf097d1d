import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { snappyLiterals, staleMarkers } from '../../src/exporters/delivery/stale-marker-body.ts';
import { startAgentProcess } from '../kit/agent.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable } from '../kit/servers.ts';
import { startVictoriaMetrics } from '../kit/victoria-metrics.ts';

test('a stale marker ends a series that was imported as text, and no other', { timeout: 200_000 }, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const vm = await startVictoriaMetrics(t, scratchFolder(t));
  const stampMs = Date.now() - 5000;
  const names = Array.from({ length: 3000 }, (_, index) => `it{pod="p${index}",note="${'x'.repeat(40)}"}`);
  const post = async (path: string, body: string | Buffer<ArrayBuffer>, headers: Record<string, string> = {}) => {
    const response = await fetch(`${vm.url}${path}`, { method: 'POST', body, headers });
    assert.ok(response.ok, `${path}: ${response.status} ${await response.text()}`);
  };
  await post(
    `/api/v1/import/prometheus/metrics/job/kubelet/instance/n1?timestamp=${stampMs}&extra_label=cluster=c`,
    `${names.map((name) => `${name} 1`).join('\n')}\n`,
  );
  await vm.until('count(it)', (samples) => samples[0]?.value === names.length);

  const gone = names.slice(0, 2000).map(
    (_, index) =>
      [
        ['pod', `p${index}`],
        ['__name__', 'it'],
        ['note', 'x'.repeat(40)],
      ] as const,
  );
  const identity = ['job=kubelet', 'instance=n1', 'cluster=c'].map((label) => `extra_label=${label}`).join('&');
  const body = snappyLiterals(staleMarkers(gone, stampMs + 1000));
  assert.ok(body.length > 65_536, 'more than one literal');
  await post(`/api/v1/write?${identity}`, Buffer.from(body), {
    'content-encoding': 'snappy',
    'content-type': 'application/x-protobuf',
    'x-prometheus-remote-write-version': '0.1.0',
  });
  await vm.until('count(it)', (samples) => samples[0]?.value === 1000);
  const left = await vm.query('it');
  assert.ok(left.every(({ metric }) => Number(metric.pod?.slice(1)) >= 2000 && metric.cluster === 'c'));
});

test('an agent ends vanished series, and only those', { timeout: 200_000 }, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const folder = scratchFolder(t);
  const vm = await startVictoriaMetrics(t, folder);
  const texts = join(folder, 'texts');
  mkdirSync(texts);
  const write = (...pods: string[]) => {
    writeFileSync(join(folder, 'draft'), pods.map((pod) => `it{pod="${pod}"} 1\n`).join(''));
    renameSync(join(folder, 'draft'), join(texts, 'it.prom'));
  };
  write('stays', 'goes');
  const config = join(folder, 'config.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      node: 'n/1',
      cluster: 'c',
      push: { interval: '1s' },
      http: { enabled: false },
      collectors: {
        node: { include: ['textfile'], textfile: { directory: texts } },
        container: { enabled: false },
        process: { enabled: false },
      },
      exporters: { vm: { type: 'vmagent', url: vm.url, staleMarkers: true } },
    }),
  );
  const agent = startAgentProcess(t, ['run', '--config', config]);
  await vm.until('count(it)', (samples) => samples[0]?.value === 2);
  write('stays');
  await vm.until('it', (samples) => samples.length === 1 && samples[0]?.metric.pod === 'stays');
  write('stays', 'goes');
  await vm.until('count(it)', (samples) => samples[0]?.value === 2);
  agent.child.kill('SIGTERM');
  assert.equal((await agent.ended).code, 0);
  assert.equal(agent.stderr().includes('failed to send stale markers'), false, agent.stderr());
});
