import { counter, type Family, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import type { ClusterState, Followed } from './cluster-state.ts';
import type { KsmOptions } from './options.ts';

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

/** kube-state-metrics' series about itself, which alerts on it ask for; `version` is ours. */
export function kubeStateSamples(out: Snapshot, state: ClusterState, options: KsmOptions, version: string): void {
  for (const { resource, reflectors } of state.followed) {
    const name = goTypeName(resource);
    for (const result of ['success', 'error'] as const) {
      out.add(
        lists,
        sum(reflectors, ({ stats }) => stats.lists[result]),
        name,
        result,
      );
      out.add(
        watches,
        sum(reflectors, ({ stats }) => stats.watches[result]),
        name,
        result,
      );
    }
  }
  out.add(buildInfo, 1, '', '', '', `firesteel-${version}`);
  out.add(ordinal, options.shard, String(options.shard));
  out.add(totalShards, options.totalShards);
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
export function followSamples(out: Snapshot, state: ClusterState): void {
  for (const followed of state.followed) {
    const { name } = followed.resource;
    for (const { family, value } of perResource) {
      const number = value(followed);
      if (number !== undefined) out.add(family, number, name);
    }
    const reasons = Object.keys(followed.reflectors[0]?.stats.listReasons ?? {}) as ListReason[];
    for (const reason of reasons) {
      out.add(
        relists,
        sum(followed.reflectors, ({ stats }) => stats.listReasons[reason]),
        name,
        reason,
      );
    }
  }
}

type ListReason = keyof Followed['reflectors'][number]['stats']['listReasons'];

/** How kube-state-metrics writes a resource in its own series: `*v1.Pod`, `*v2.HorizontalPodAutoscaler`. */
const goTypeName = ({ apiVersion, kind }: Followed['resource']): string =>
  `*${apiVersion.slice(apiVersion.indexOf('/') + 1)}.${kind}`;

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
