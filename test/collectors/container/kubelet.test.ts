import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { containerFamilies } from '../../../src/collectors/container/families.ts';
import { containerProducers, containerSection } from '../../../src/collectors/container/index.ts';
import { machineFamilies } from '../../../src/collectors/container/machine.ts';
import { Host } from '../../../src/host/host.ts';
import { AgentRegistry } from '../../../src/metrics/registry.ts';
import { fixture, scratchFolder } from '../../kit/host-tree.ts';
import { difference, nameOf, samplesOf } from '../../kit/samples.ts';
import { containerCycles, recordedNode } from './kit.ts';

const PAGES: Readonly<Record<string, string>> = {
  '/metrics': 'metrics.prom',
  '/metrics/cadvisor': 'cadvisor.prom',
  '/metrics/resource': 'resource.prom',
};
const page = (path: string) => readFileSync(fixture(`cluster-cgroupv1/kubelet/${PAGES[path]}`), 'utf8');

/** A kubelet with the recorded responses of a real one, and the options for it. */
async function startKubelet(context: TestContext, pages: ReadonlySet<string> = new Set(Object.keys(PAGES))) {
  const tls = {
    cert: readFileSync(fixture('tls/first-server.crt')),
    key: readFileSync(fixture('tls/first-server.key')),
  };
  const server = createServer(tls, (request, response) => {
    const isKnown = request.headers.authorization === 'Bearer secret-of-the-pod';
    if (!isKnown) response.writeHead(401).end('Unauthorized');
    else if (!pages.has(request.url ?? '')) response.writeHead(404).end('404 page not found');
    else response.end(page(request.url ?? ''));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const tokenFile = join(scratchFolder(context), 'token');
  writeFileSync(tokenFile, 'secret-of-the-pod\n');
  const { port } = server.address() as AddressInfo;
  return { url: `https://localhost:${port}`, tokenFile, caFile: fixture('tls/first-ca.crt') };
}

const isOfKubelet = (series: string) =>
  /^(?:kubelet_|volume_manager_|storage_operation_|rest_client_requests_total\{|process_|go_goroutines\{)/.test(series);
const duplicated =
  /^(?:container_cpu_usage_seconds_total|container_memory_working_set_bytes|container_start_time_seconds)\{|^(?:resource_)?scrape_error/;

/** The expected samples of a page. */
const expected = (path: string, isWanted: (series: string) => boolean) =>
  [...samplesOf(page(path))].filter(([series]) => isWanted(series));

test('source: kubelet forwards the kubelet’s pages without duplicate families', async (context) => {
  const kubelet = await startKubelet(context);
  const options = { source: 'kubelet', families: 'kubelet', kubelet };
  const { samples, results } = await containerCycles(recordedNode(1).paths, options)();
  assert.deepEqual(
    results.map(({ group, outcome }) => [group, outcome]),
    [
      ['container', 'ok'],
      ['kubelet', 'ok'],
    ],
  );
  const wanted = new Map([
    ...expected('/metrics/cadvisor', () => true),
    ...expected('/metrics', isOfKubelet),
    ...expected('/metrics/resource', (series) => !duplicated.test(series)),
  ]);
  assert.deepEqual(difference(samples, wanted), []);
  for (const name of ['kubelet_running_pods{}', 'kubelet_node_name{node="node1"}']) assert.ok(samples.has(name), name);
});

test('the list of series stays the same as long as the kubelet has the same series', async (context) => {
  const kubelet = await startKubelet(context);
  const world = { host: new Host(recordedNode(1).paths), now: Date.now };
  const registry = new AgentRegistry();
  const section = containerSection.parse({ source: 'kubelet', kubelet });
  for (const producer of containerProducers(world, section)) registry.addProducer(producer);
  const lists = async () => {
    const { groups } = await registry.gather(20_000);
    return (['container', 'kubelet'] as const).flatMap((group) => groups.get(group) ?? []).map(({ series }) => series);
  };
  const first = await lists();
  assert.equal(first.length, 2);
  // Not deepEqual: they must be the same objects.
  assert.ok((await lists()).every((list, index) => list === first[index]));
});

test('families: common omits the same as for cgroups', async (context) => {
  const kubelet = await startKubelet(context);
  const { samples } = await containerCycles(recordedNode(1).paths, { source: 'kubelet', kubelet })();
  const common = new Set([...containerFamilies.common, ...machineFamilies.common].map(({ name }) => name));
  const wanted = new Map([
    ...expected('/metrics/cadvisor', (series) => common.has(nameOf(series))),
    ...expected('/metrics', isOfKubelet),
    ...expected('/metrics/resource', (series) => !duplicated.test(series)),
  ]);
  assert.deepEqual(difference(samples, wanted), []);
});

test('kubeletMetrics adds the metrics of the kubelet to those read from cgroups', async (context) => {
  const kubelet = await startKubelet(context);
  const options = { kubeletMetrics: true, kubelet: { ...kubelet, families: '^kubelet_running_' } };
  const { samples, results } = await containerCycles(recordedNode(1).paths, options)();
  assert.deepEqual(
    results.map(({ group, collector }) => [group, collector]),
    [
      ['container', 'container'],
      ['container', 'machine'],
      ['kubelet', 'kubelet'],
    ],
  );
  const own = [...samples.keys()].filter((series) => series.startsWith('kubelet_')).sort();
  assert.deepEqual(own, [
    'kubelet_running_containers{container_state="exited"}',
    'kubelet_running_containers{container_state="running"}',
    'kubelet_running_pods{}',
  ]);
});

test('a page that the kubelet does not have loses only that page', async (context) => {
  const kubelet = await startKubelet(context, new Set(['/metrics', '/metrics/cadvisor']));
  const { samples, results } = await containerCycles(recordedNode(1).paths, { source: 'kubelet', kubelet })();
  const { outcome, errors } = results[1] ?? {};
  assert.equal(outcome, 'partial');
  assert.match(errors?.[0]?.message ?? '', /\/metrics\/resource: 404 404 page not found/);
  assert.ok(samples.has('kubelet_running_pods{}'));
});

test('a rejected token is reported as such, without its value', async (context) => {
  const kubelet = await startKubelet(context);
  writeFileSync(kubelet.tokenFile, 'another-secret');
  const { results } = await containerCycles(recordedNode(1).paths, { source: 'kubelet', kubelet })();
  assert.deepEqual(
    results.map(({ outcome }) => outcome),
    ['fault', 'fault'],
  );
  assert.match(results[0]?.reason ?? '', /\/metrics\/cadvisor: 401 Unauthorized/);
  assert.doesNotMatch(JSON.stringify(results.map(({ errors }) => errors.map(String))), /secret/);
});
