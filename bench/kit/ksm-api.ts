// The API server of the ksm benchmark, in a separate process: a cluster of the requested size that changes at the requested
// rate. Pages of lists are created before it starts.

import { setTimeout } from 'node:timers/promises';
import { FakeApiServer } from '../../test/kit/fake-api-server.ts';
import { keyOf } from '../../test/kit/fake-cluster.ts';
import { loadRecordedCluster } from '../../test/kit/recorded-cluster.ts';
import { fillCluster, PODS } from './synthetic-cluster.ts';

const TURN_MS = 50;

/** As in the agent's requests. */
const PAGE_SIZE = 500;

/** How often each watch gets a bookmark: kube-apiserver sends one every minute, or up to a quarter later. */
const BOOKMARK_MS = 67_500;

const server = await FakeApiServer.start();
const { cluster } = server;
loadRecordedCluster(cluster);
const synthetic = fillCluster(cluster, Number(process.argv[2]));
// Creating pods while they are listed would measure this server instead of the agents: it takes 0.5 ms a pod.
for (const collection of cluster.collections.values()) {
  if (collection.generated) collection.generated = { ...collection.generated, pages: new Map() };
}
server.fillPages(PAGE_SIZE);

let eventsPerSecond = 0;
process.on('message', (message: { eventsPerSecond: number } | 'watches') => {
  if (message === 'watches') process.send?.({ watched: [...new Set([...server.watches].map(({ path }) => path))] });
  else eventsPerSecond = message.eventsPerSecond;
});
process.on('disconnect', () => process.exit());
process.send?.({ kubeconfig: server.kubeconfig(), url: `http://127.0.0.1:${server.port}` });

let bookmarks = 0;
let due = 0;
for (let event = 0; ; ) {
  await setTimeout(TURN_MS);
  for (bookmarks += (server.watches.size * TURN_MS) / BOOKMARK_MS; bookmarks >= 1; bookmarks--) bookmarkNext();
  for (due += (eventsPerSecond * TURN_MS) / 1000; due >= 1; due--) changeOne(event++);
}

/** Sends a bookmark on the watch that has been waiting longest. */
function bookmarkNext(): void {
  const [watch] = server.watches;
  if (watch === undefined) return;
  server.watches.delete(watch);
  server.watches.add(watch);
  server.bookmark([watch]);
}

/** Eight of ten events are restarts spread over the cluster; the ninth creates a pod, and the tenth deletes it. */
function changeOne(event: number): void {
  const turn = event % 10;
  if (turn < 8) {
    cluster.put(PODS, synthetic.pod((event * 7919) % synthetic.pods, 1 + event));
    return;
  }
  const extra = synthetic.pod(synthetic.pods + Math.floor(event / 10));
  if (turn === 8) cluster.put(PODS, extra);
  else cluster.remove(PODS, keyOf(extra));
}
