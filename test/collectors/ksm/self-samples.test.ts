import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../../src/base/log.ts';
import { ClusterState } from '../../../src/collectors/ksm/cluster-state.ts';
import { parseCustomResources } from '../../../src/collectors/ksm/custom/resource.ts';
import { ksmOptions } from '../../../src/collectors/ksm/options.ts';
import { PodIndex } from '../../../src/collectors/ksm/pod-index.ts';
import { followSeries, kubeStateSeries } from '../../../src/collectors/ksm/self-samples.ts';
import type { KubeApi } from '../../../src/kube/api.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { linesOf } from '../../kit/lines.ts';
import { resourceNamed } from './kit.ts';

const KNATIVE_SERVICES = `
kind: CustomResourceStateMetrics
spec:
  resources:
    - groupVersionKind: {group: serving.knative.dev, version: v1, kind: Service}
      metrics:
        - name: generation
          help: Generation.
          each: {type: Gauge, gauge: {path: [metadata, generation]}}
`;

test('a custom resource with the plural of a built-in one has its own series', () => {
  const state = new ClusterState({
    api: {} as KubeApi,
    options: ksmOptions.parse({}),
    resources: [resourceNamed('services'), ...parseCustomResources(KNATIVE_SERVICES)],
    pods: new PodIndex(),
    compression: 'zstd',
    log: createLog('silent'),
  });
  const [stats] = state.followed[0]?.reflectors.map((reflector) => reflector.stats) ?? [];
  Object.assign(stats?.lists ?? {}, { success: 1, error: 2 });
  Object.assign(stats?.watches ?? {}, { success: 3, error: 4 });
  const out = new Snapshot();
  kubeStateSeries(state, ksmOptions.parse({}), '1.0.0')(out);
  followSeries(state)(out);
  const { keys } = out;
  assert.deepEqual(out.errors, [], 'no series twice');
  assert.ok(keys.includes('firesteel_ksm_objects{resource="services"}'), keys.join('\n'));
  assert.ok(keys.includes('firesteel_ksm_objects{resource="services.serving.knative.dev"}'));
  const lines = linesOf(out);
  for (const line of [
    'kube_state_metrics_list_total{resource="*v1.Service",result="success"} 1',
    'kube_state_metrics_list_total{resource="*v1.Service",result="error"} 2',
    'kube_state_metrics_list_total{resource="*serving.knative.dev/v1.Service",result="success"} 0',
    'kube_state_metrics_watch_total{resource="*v1.Service",result="success"} 3',
    'kube_state_metrics_watch_total{resource="*v1.Service",result="error"} 4',
    'kube_state_metrics_shard_ordinal{shard_ordinal="0"} 0',
    'kube_state_metrics_total_shards 1',
    'kube_state_metrics_build_info{branch="",goversion="",revision="",version="firesteel-1.0.0"} 1',
    'firesteel_ksm_lists_begun_total{reason="expired"} 0',
  ]) {
    assert.ok(lines.includes(line), `${line} is not in\n${lines.join('\n')}`);
  }
});
