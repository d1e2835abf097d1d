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
  const out = new Snapshot();
  kubeStateSeries(state, ksmOptions.parse({}), '1.0.0')(out);
  followSeries(state)(out);
  const { keys } = out;
  assert.deepEqual(out.errors, [], 'no series twice');
  assert.ok(keys.includes('firesteel_ksm_objects{resource="services"}'), keys.join('\n'));
  assert.ok(keys.includes('firesteel_ksm_objects{resource="services.serving.knative.dev"}'));
  assert.ok(keys.includes('kube_state_metrics_list_total{resource="*v1.Service",result="success"}'));
  assert.ok(
    keys.includes('kube_state_metrics_list_total{resource="*serving.knative.dev/v1.Service",result="success"}'),
  );
  assert.ok(keys.includes('firesteel_ksm_lists_begun_total{reason="expired"}'));
});
