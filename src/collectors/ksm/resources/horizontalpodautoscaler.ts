import type { KubeObject } from '../../../kube/object.ts';
import { exactQuantity, milliQuantity, type QuantityText } from '../../../kube/quantity.ts';
import {
  annotations,
  type Condition,
  created,
  deletionTimestamp,
  generation,
  type List,
  labels,
  namespaced,
  series,
  single,
  statusConditions,
} from '../common.ts';
import { defineResource, type Emit } from '../resource.ts';

interface Amount {
  readonly value?: QuantityText;
  readonly averageValue?: QuantityText;
  readonly averageUtilization?: number | null;
}

/** The source of a metric; `target` in the spec, `current` in the status. */
interface Source {
  readonly metric?: { readonly name?: string };
  readonly name?: string;
  readonly container?: string;
  readonly target?: Amount | null;
  readonly current?: Amount | null;
}

interface Metric {
  readonly type?: string;
  readonly object?: Source | null;
  readonly pods?: Source | null;
  readonly external?: Source | null;
  readonly resource?: Source | null;
  readonly containerResource?: Source | null;
}

interface ScalingRules {
  readonly tolerance?: QuantityText;
}

interface HorizontalPodAutoscaler extends KubeObject {
  readonly spec?: {
    readonly scaleTargetRef?: { readonly apiVersion?: string; readonly kind?: string; readonly name?: string } | null;
    readonly minReplicas?: number | null;
    readonly maxReplicas?: number;
    readonly metrics?: List<Metric>;
    readonly behavior?: { readonly scaleUp?: ScalingRules | null; readonly scaleDown?: ScalingRules | null } | null;
  } | null;
  readonly status?: {
    readonly currentReplicas?: number;
    readonly desiredReplicas?: number;
    readonly currentMetrics?: List<Metric>;
    readonly conditions?: List<Condition>;
  } | null;
}

const METRIC_LABELS = ['metric_name', 'metric_target_type', 'container'];

/** HorizontalPodAutoscalers: limits, targets and current values. */
export const horizontalpodautoscalers = defineResource<HorizontalPodAutoscaler>({
  name: 'horizontalpodautoscalers',
  kind: 'HorizontalPodAutoscaler',
  apiVersion: 'autoscaling/v2',
  namespaced: true,
  enabled: true,
  identity: namespaced('horizontalpodautoscaler'),
  families: [
    series('kube_horizontalpodautoscaler_info', 'ALPHA', 'The scale target of the autoscaler.', [], emitInfo, {
      extraLabels: ['scaletargetref_api_version', 'scaletargetref_kind', 'scaletargetref_name'],
    }),
    generation('kube_horizontalpodautoscaler'),
    single(
      'kube_horizontalpodautoscaler_spec_max_replicas',
      'STABLE',
      'Maximum number of pods.',
      ({ spec }) => spec?.maxReplicas ?? 0,
    ),
    single(
      'kube_horizontalpodautoscaler_spec_min_replicas',
      'STABLE',
      'Minimum number of pods.',
      ({ spec }) => spec?.minReplicas ?? 1,
    ),
    series(
      'kube_horizontalpodautoscaler_spec_target_metric',
      'ALPHA',
      'Target value of each metric.',
      METRIC_LABELS,
      ({ spec }, emit) => {
        for (const metric of spec?.metrics ?? []) emitMetric(emit, metric, 'target');
      },
    ),
    single(
      'kube_horizontalpodautoscaler_spec_behavior_scale_down_tolerance',
      'ALPHA',
      'Tolerated deviation of a metric from its target before scaling down.',
      ({ spec }) => exactQuantity(spec?.behavior?.scaleDown?.tolerance),
    ),
    single(
      'kube_horizontalpodautoscaler_spec_behavior_scale_up_tolerance',
      'ALPHA',
      'Tolerated deviation of a metric from its target before scaling up.',
      ({ spec }) => exactQuantity(spec?.behavior?.scaleUp?.tolerance),
    ),
    series(
      'kube_horizontalpodautoscaler_status_target_metric',
      'STABLE',
      'Current value of each metric.',
      METRIC_LABELS,
      ({ status }, emit) => {
        for (const metric of status?.currentMetrics ?? []) emitMetric(emit, metric, 'current');
      },
    ),
    single(
      'kube_horizontalpodautoscaler_status_current_replicas',
      'STABLE',
      'Current number of pods.',
      ({ status }) => status?.currentReplicas ?? 0,
    ),
    single(
      'kube_horizontalpodautoscaler_status_desired_replicas',
      'STABLE',
      'Desired number of pods.',
      ({ status }) => status?.desiredReplicas ?? 0,
    ),
    annotations('kube_horizontalpodautoscaler'),
    labels('kube_horizontalpodautoscaler'),
    statusConditions('kube_horizontalpodautoscaler', 'STABLE', ({ status }) => status?.conditions),
    created('kube_horizontalpodautoscaler', 'ALPHA'),
    deletionTimestamp('kube_horizontalpodautoscaler'),
  ],
});

/** The API version is omitted, not empty, when the target has none. */
function emitInfo({ spec }: HorizontalPodAutoscaler, emit: Emit): void {
  const { apiVersion, kind, name } = spec?.scaleTargetRef ?? {};
  const version = apiVersion ? ['scaletargetref_api_version', apiVersion] : [];
  emit(1, ...version, 'scaletargetref_kind', kind, 'scaletargetref_name', name);
}

function emitMetric(emit: Emit, metric: Metric, side: 'target' | 'current'): void {
  const found = sourceOf(metric);
  const amount = found?.[0][side];
  if (!found || !amount) return;
  const [source, name] = found;
  const container = metric.type === 'ContainerResource' ? source.container : '';
  const value = milliQuantity(amount.value);
  if (value !== undefined) emit(value, name, 'value', container);
  const average = milliQuantity(amount.averageValue);
  if (average !== undefined) emit(average, name, 'average', container);
  const utilization = amount.averageUtilization ?? undefined;
  if (utilization !== undefined) emit(utilization, name, 'utilization', container);
}

/** The source that `type` names and the metric's name in it; undefined when it is missing or of no known type. */
function sourceOf({ type, object, pods, external, resource, containerResource }: Metric) {
  const byMetric = { Object: object, Pods: pods, External: external }[type ?? ''];
  if (byMetric) return [byMetric, byMetric.metric?.name] as const;
  const byName = { Resource: resource, ContainerResource: containerResource }[type ?? ''];
  return byName ? ([byName, byName.name] as const) : undefined;
}
