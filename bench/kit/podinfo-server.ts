// The state agent's part of the podinfo benchmark, in a separate process: the pod index with the real HTTP server.

import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { PodIndex } from '../../src/collectors/ksm/pod-index.ts';
import type { Handler } from '../../src/http/message.ts';
import { podInfoRoute } from '../../src/http/pod-info.ts';
import { startHttp } from '../../src/http/server.ts';
import { type IdentityPod, POD_INFO_PATH } from '../../src/kube/pod-info.ts';
import { syntheticPod } from '../../test/kit/fake-cluster.ts';

const [pods = 0, nodes = 1] = process.argv.slice(2).map(Number);

const recording = new URL('../../test/fixtures/cluster-cgroupv1/api/core_v1_pods.json', import.meta.url);
const recorded: { items: IdentityPod[] } = JSON.parse(readFileSync(recording, 'utf8'));
const template = recorded.items.find(({ metadata }) => metadata?.name?.startsWith('web-')) as IdentityPod;

/** A pod as received from the API server, parsed from its own text; `version` changes it. */
function podOf(number: number, version = 0): { key: string; pod: IdentityPod } {
  const { metadata, spec, status }: IdentityPod = syntheticPod(template, number);
  const text = JSON.stringify({
    metadata: { ...metadata, resourceVersion: String(1000 + version) },
    spec: { ...spec, nodeName: `node-${number % nodes}` },
    status,
  });
  return { key: `${metadata?.namespace}/${metadata?.name}`, pod: JSON.parse(text) };
}

/** Bytes in V8's heap and in buffers. */
function held(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const empty = held();
const index = new PodIndex();
for (let number = 0; number < pods; number++) {
  const { key, pod } = podOf(number);
  index.upsert(key, pod);
}
const bytesPerPod = (held() - empty) / pods;
const answer = podInfoRoute({ ready: () => true, responseFor: (node) => index.responseFor(node) });
/** How long it took to build the responses since the last message, milliseconds. */
const spent: number[] = [];
const timed: Handler = async (request) => {
  const began = performance.now();
  const reply = await answer(request);
  spent.push(performance.now() - began);
  return reply;
};
const { url } = await startHttp(
  '127.0.0.1:0',
  { [POD_INFO_PATH]: timed, '/nothing': () => ({ status: 200, body: '' }) },
  (_, cause) => console.error(cause),
  { settings: () => ({ maxConnections: 2000 }) },
);

let changesPerSecond = 0;
process.on('message', (message: { changesPerSecond: number }) => {
  changesPerSecond = message.changesPerSecond;
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMs: (user + system) / 1000, rss: process.memoryUsage().rss, spent: spent.splice(0) });
});
process.on('disconnect', () => process.exit());
process.send?.({ url, bytesPerPod });

/** Changes pods at the requested rate; they are created in advance, so that only indexing is measured. */
const changed = Array.from({ length: 1000 }, (_, number) => podOf((number * 7919) % pods, number + 1));
for (let change = 0; ; change++) {
  await setTimeout(changesPerSecond === 0 ? 100 : 1000 / changesPerSecond);
  const next = changed[change % changed.length];
  if (changesPerSecond > 0 && next) {
    index.upsert(next.key, {
      ...next.pod,
      metadata: { ...next.pod.metadata, resourceVersion: String(10_000 + change) },
    });
  }
}
