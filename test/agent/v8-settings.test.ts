import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startAgent } from '../../src/agent/agent.ts';
import { V8Settings, v8Settings, workloadOf } from '../../src/agent/v8-settings.ts';
import { createLog } from '../../src/base/log.ts';
import { loadSettings } from '../../src/commands/settings.ts';
import { recorded, startFakeApi } from '../kit/fake-api-server.ts';
import { scratchFolder } from '../kit/host-tree.ts';

const DEFAULTS = {
  opt: true,
  maglev: true,
  'parallel-scavenge': true,
  'memory-reducer-gc-count': '2',
  'heap-growing-percent': '0',
  'semi-space-growth-factor': '2',
};
const NODE = { ...DEFAULTS, opt: false, 'memory-reducer-gc-count': '0' };
const LISTING = { ...DEFAULTS, 'heap-growing-percent': '40', 'semi-space-growth-factor': '1' };
const IDLE = { ...NODE, maglev: false, 'parallel-scavenge': false, 'semi-space-growth-factor': '1' };
const BOUND = { 'semi-space-growth-factor': '1' };

/** Settings in virtual time, with what V8 would have by then; `heap.bytes` is the size of its heap. */
function fakeV8(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const flags: Record<string, string | boolean> = { ...DEFAULTS };
  const heap = { bytes: 10e6 };
  const settings = new V8Settings(
    (flag) => {
      const [, no, name = '', value] = /^--(no-)?([^=]+)(?:=(.*))?$/.exec(flag) ?? [];
      assert.ok(name in flags, flag);
      flags[name] = value ?? no === undefined;
    },
    () => heap.bytes,
  );
  return { settings, flags, heap, pass: (ms: number) => t.mock.timers.tick(ms) };
}

test('V8 has the settings of each workload, whichever came before', (t) => {
  const { settings, flags, pass } = fakeV8(t);
  const begin = {
    node: () => settings.suit('node'),
    scraping: () => settings.suit('scraping'),
    cluster() {
      settings.listing();
      settings.suit('cluster');
      settings.listed();
      pass(60_000);
    },
  };
  const wanted = { node: NODE, scraping: DEFAULTS, cluster: IDLE };
  const order = ['node', 'scraping', 'cluster', 'node', 'cluster', 'scraping', 'node'] as const;
  for (const workload of order) {
    begin[workload]();
    assert.deepEqual(flags, wanted[workload], workload);
    pass(3_600_000);
    assert.deepEqual(flags, wanted[workload], `${workload}, an hour later`);
  }
});

test('a bound of the space for young objects outlasts the role of a state agent', (t) => {
  const { settings, flags } = fakeV8(t);
  settings.boundYoungSpace([], '--no-warnings');
  assert.deepEqual(flags, { ...DEFAULTS, ...BOUND });
  settings.listing();
  settings.suit('scraping');
  assert.deepEqual(flags, { ...DEFAULTS, ...BOUND });
});

test('a maximum of the space for young objects on the command line stays', (t) => {
  const { settings, flags } = fakeV8(t);
  settings.boundYoungSpace(['--max-semi-space-size=8']);
  assert.deepEqual(flags, DEFAULTS);
});

test('a cluster is listed again with the settings for lists, and a large one keeps the compilers', (t) => {
  const { settings, flags, heap, pass } = fakeV8(t);
  settings.listing();
  assert.deepEqual(flags, LISTING);
  settings.listed();
  assert.deepEqual(flags, { ...LISTING, 'heap-growing-percent': '0' });
  pass(60_000);
  assert.deepEqual(flags, IDLE);
  heap.bytes = 100e6;
  pass(600_000);
  assert.deepEqual(flags, { ...DEFAULTS, ...BOUND });
  settings.listing();
  heap.bytes = 10e6;
  pass(3_600_000);
  assert.deepEqual(flags, LISTING);
});

test('the workload follows each reload that is applied, and a state agent that ends before all is listed changes nothing', async (t) => {
  const api = await startFakeApi(t);
  const forever = { times: Number.POSITIVE_INFINITY };
  api.fail('list', { status: 403, body: recorded('api/pods-403.txt') }, { path: '/api/v1/nodes', ...forever });
  const folder = scratchFolder(t);
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, api.kubeconfig());
  const file = join(folder, 'config.yaml');
  const configure = (more: object) =>
    writeFileSync(file, JSON.stringify({ http: { enabled: false }, ...more, push: { interval: '1s' } }));
  const load = () => loadSettings({ config: file }, {}).config;
  const listing = t.mock.method(v8Settings, 'listing', () => {});
  const listed = t.mock.method(v8Settings, 'listed', () => {});
  const active: string[] = [];
  configure({});
  const agent = await startAgent(load(), {
    ...{ log: createLog('info', { write: () => {} }), now: Date.now, random: Math.random, env: {}, loadConfig: load },
    onActive: (config) => active.push(workloadOf(config)),
  });
  t.after(() => agent.stop());
  const ksm = { enabled: true, kubeconfig, resources: ['nodes'] };
  const election = { enabled: false };
  configure({ scrape: { targets: [{ job: 'page', urls: ['http://127.0.0.1:9/metrics'] }] } });
  await agent.reload();
  configure({ scrape: { pods: 7 } });
  await assert.rejects(agent.reload());
  configure({ collectors: { ksm }, election });
  await agent.reload();
  assert.deepEqual([listing.mock.callCount(), listed.mock.callCount()], [1, 0]);
  configure({});
  await agent.reload();
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(active, ['node', 'scraping', 'cluster', 'node']);
  assert.deepEqual([listing.mock.callCount(), listed.mock.callCount()], [1, 0]);
});
