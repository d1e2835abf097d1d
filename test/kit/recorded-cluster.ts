import { readdirSync } from 'node:fs';
import { recorded } from './fake-api-server.ts';
import type { FakeCluster } from './fake-cluster.ts';
import { fixture } from './host-tree.ts';

/** Lists are named `GROUP_VERSION_RESOURCE.json`; files of pages and of the server itself are not. */
const LIST_FILE = /^([^_]+)_([^_]+)_([a-z]+)\.json$/;

/** Fills a fake cluster with everything that was recorded from a real one. */
export function loadRecordedCluster(cluster: FakeCluster): void {
  for (const file of readdirSync(fixture('cluster-cgroupv1/api'))) {
    const [, group, version, resource] = LIST_FILE.exec(file) ?? [];
    if (group === undefined) continue;
    const root = group === 'core' ? `/api/${version}` : `/apis/${group}/${version}`;
    cluster.load(`${root}/${resource}`, JSON.parse(recorded(`api/${file}`)));
  }
}
