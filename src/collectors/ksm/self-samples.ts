import { LIST_REASONS } from '../../kube/reflector-stats.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { labelBlock } from '../../metrics/text.ts';
import type { ClusterState, Followed } from './cluster-state.ts';
import type { KsmOptions } from './options.ts';
import { uniqueName } from './resource.ts';

const RESOURCE = ['resource'] as const;
const BY_RESULT = ['resource', 'result'] as const;

const lists = counter('kube_state_metrics_list_total', 'Lists of a resource, by result.', BY_RESULT);
const watches = counter('kube_state_metrics_watch_total', 'Watches of a resource, by result.', BY_RESULT);
const buildInfo = gauge('kube_state_metrics_build_info', 'Always 1; the version that stands in for it.', [
  'branch',
  'goversion',
  'revision',
  'version',
]);
const ordinal = gauge('kube_state_metrics_shard_ordinal', 'The shard that is told here.', ['shard_ordinal']);
const totalShards = gauge('kube_state_metrics_total_shards', 'Shards that the objects are split into.');

/** A series whose key is made once: there are hundreds, and a push that has nothing else to do takes a few milliseconds. */
export interface SelfSeries {
  readonly family: Family;
  readonly key: string;
  /** Undefined when there is nothing to tell yet. */
  value(): number | undefined;
}

const seriesOf = (family: Family, labels: readonly string[], value: SelfSeries['value']): SelfSeries => ({
  family,
  key: family.name + labelBlock(family.labels, labels),
  value,
});

/** Adds all of `series` as they stand. */
export function addSelfSeries(out: Snapshot, series: readonly SelfSeries[]): void {
  for (const { family, key, value } of series) {
    const number = value();
    if (number !== undefined) out.addSeries(family, key, number);
  }
}

/** kube-state-metrics' series about itself, which alerts on it ask for; `version` is ours. */
export function kubeStateSeries(state: ClusterState, options: KsmOptions, version: string): SelfSeries[] {
  const perResource = state.followed.flatMap(({ resource, reflectors }) => {
    const name = goTypeName(resource);
    return (['success', 'error'] as const).flatMap((result) => [
      seriesOf(lists, [name, result], () => sum(reflectors, ({ stats }) => stats.lists[result])),
      seriesOf(watches, [name, result], () => sum(reflectors, ({ stats }) => stats.watches[result])),
    ]);
  });
  return [
    ...perResource,
    seriesOf(buildInfo, ['', '', '', `firesteel-${version}`], () => 1),
    seriesOf(ordinal, [String(options.shard)], () => options.shard),
    seriesOf(totalShards, [], () => options.totalShards),
  ];
}

/** One number about a resource. */
interface PerResource {
  readonly family: Family;
  readonly value: (followed: Followed) => number | undefined;
}

const perResource: readonly PerResource[] = [
  {
    family: gauge('firesteel_ksm_resource_up', 'Whether the resource is followed; 0 while it is refused.', RESOURCE),
    value: ({ reflectors }) => Number(reflectors.every(({ synced, refused }) => synced && !refused)),
  },
  {
    family: gauge('firesteel_ksm_objects', 'Objects known.', RESOURCE),
    value: ({ reflectors }) => sum(reflectors, ({ stats }) => stats.objects),
  },
  {
    family: gauge('firesteel_ksm_shards', 'Compressed shards that hold the text.', RESOURCE),
    value: ({ store }) => store.sizes.shards,
  },
  {
    family: gauge('firesteel_ksm_text_bytes', 'Bytes of the text before compression.', RESOURCE),
    value: ({ store }) => store.sizes.textBytes,
  },
  {
    family: gauge('firesteel_ksm_compressed_bytes', 'Bytes of the text as it is kept.', RESOURCE),
    value: ({ store }) => store.sizes.memberBytes,
  },
  {
    family: gauge('firesteel_ksm_last_event_timestamp_seconds', 'When the last event or bookmark came.', RESOURCE),
    value: ({ reflectors }) => {
      const last = Math.max(...reflectors.map(({ stats }) => stats.lastEventMs ?? 0));
      return last === 0 ? undefined : last / 1000;
    },
  },
  {
    family: counter('firesteel_ksm_decode_errors_total', 'Events that could not be read.', RESOURCE),
    value: ({ reflectors }) => sum(reflectors, ({ stats }) => stats.events.malformed),
  },
  {
    family: counter('firesteel_ksm_object_errors_total', 'Families of objects that could not be told.', RESOURCE),
    value: ({ reflectors, renderErrors }) => renderErrors.count + sum(reflectors, ({ stats }) => stats.handlerErrors),
  },
];
const relists = counter('firesteel_ksm_lists_begun_total', 'Lists begun, by reason; the first is "start".', [
  'resource',
  'reason',
]);

/** How each resource is followed and what it costs. */
export function followSeries(state: ClusterState): SelfSeries[] {
  return state.followed.flatMap((followed) => {
    const { resource, reflectors } = followed;
    const name = uniqueName(resource);
    return [
      ...perResource.map(({ family, value }) => seriesOf(family, [name], () => value(followed))),
      ...LIST_REASONS.map((reason) =>
        seriesOf(relists, [name, reason], () => sum(reflectors, ({ stats }) => stats.listReasons[reason])),
      ),
    ];
  });
}

/** How kube-state-metrics writes a resource in its own series, `*v1.Pod`; custom ones with their group. */
const goTypeName = ({ apiVersion, kind, custom }: Followed['resource']): string =>
  `*${custom ? apiVersion : apiVersion.slice(apiVersion.indexOf('/') + 1)}.${kind}`;

const sum = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((total, item) => total + value(item), 0);
