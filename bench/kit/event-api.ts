// The API server of the events benchmark, in a separate process: live events that repeat at the given rate.
import { setTimeout } from 'node:timers/promises';
import { FakeApiServer } from '../../test/kit/fake-api-server.ts';
import { loadRecordedCluster } from '../../test/kit/recorded-cluster.ts';

const TURN_MS = 50;
const EVENTS = '/api/v1/events';
const REASONS = ['BackOff', 'Unhealthy', 'FailedScheduling', 'Pulled', 'Created', 'Started', 'Killing', 'FailedMount'];

const server = await FakeApiServer.start();
const { cluster } = server;
loadRecordedCluster(cluster);
const live = Number(process.argv[2]);

/** As large as a kubelet's events: about 1 KB. */
const eventOf = (index: number, count: number) => {
  const namespace = `ns-${index % 50}`;
  const name = `app-${index}.18a1f2c3d4e5f607`;
  const seen = new Date().toISOString();
  return {
    metadata: {
      namespace,
      name,
      uid: `uid-${index}`,
      creationTimestamp: seen,
      managedFields: [{ manager: 'kubelet' }],
    },
    type: index % 3 === 0 ? 'Warning' : 'Normal',
    reason: REASONS[index % REASONS.length],
    message: `Back-off restarting failed container app in pod app-${index}_${namespace} `.repeat(6),
    involvedObject: {
      kind: 'Pod',
      namespace,
      name: `app-${index}`,
      uid: `pod-${index}`,
      fieldPath: 'spec.containers{app}',
    },
    source: { component: 'kubelet', host: `node-${index % 100}` },
    reportingComponent: 'kubelet',
    firstTimestamp: seen,
    lastTimestamp: seen,
    count,
  };
};

const counts = new Uint32Array(live).fill(1);
for (let index = 0; index < live; index++) cluster.put(EVENTS, eventOf(index, 1));

let eventsPerSecond = 0;
process.on('message', (message: { eventsPerSecond: number }) => {
  eventsPerSecond = message.eventsPerSecond;
});
process.on('disconnect', () => process.exit());
process.send?.({ kubeconfig: server.kubeconfig() });

let due = 0;
for (let turn = 0; ; ) {
  await setTimeout(TURN_MS);
  for (due += (eventsPerSecond * TURN_MS) / 1000; due >= 1; due--) {
    const index = (turn++ * 7919) % live;
    counts[index] = (counts[index] ?? 0) + 1;
    cluster.put(EVENTS, eventOf(index, counts[index] ?? 1));
  }
}
