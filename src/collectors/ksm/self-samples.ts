import { LIST_REASONS, type ReflectorStats } from '../../kube/reflector-stats.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { labelBlock } from '../../metrics/text/format.ts';
import type { ClusterState } from './cluster-state.ts';
import type { KsmOptions } from './options.ts';
import { uniqueName } from './resource.ts';
import { type Followed, isDown, isUnserved, wasListed } from './resource-status.ts';
import type { StoreSizes } from './store/store.ts';

const RESOURCE = ['resource'] as const;
const BY_RESULT = ['resource', 'result'] as const;

const lists = counter('kube_state_metrics_list_total', 'Lists of a resource, by result.', BY_RESULT);
const watches = counter('kube_state_metrics_watch_total', 'Watches of a resource, by result.', BY_RESULT);
const buildInfo = gauge(
  'kube_state_metrics_build_info',
  'Always 1; version of the agent that provides these metrics.',
  ['branch', 'goversion', 'revision', 'version'],
);
const ordinal = gauge('kube_state_metrics_shard_ordinal', 'The shard that this agent exposes.', ['shard_ordinal']);
const totalShards = gauge('kube_state_metrics_total_shards', 'Number of shards that the objects are split into.');

/** The families of {@link kubeStateSeries}. */
export const kubeStateOwnFamilies = [lists, watches, buildInfo, ordinal, totalShards];

/** Adds series unchanged. */
type AddSeries = (out: Snapshot) => void;

/** One number about a resource. */
interface Column {
  readonly family: Family;
  /** Labels after the resource. */
  readonly labels?: readonly string[];
  /** Undefined when there is no value yet. */
  readonly value: (followed: Followed, sizes: StoreSizes) => number | undefined;
}

/**
 * The columns for all resources, labelled by `nameOf`. Their keys are created once and nothing is allocated per value:
 * there are hundreds, and an otherwise idle push takes a few milliseconds.
 */
function table(
  state: ClusterState,
  columns: readonly Column[],
  nameOf: (resource: Followed['resource']) => string,
): AddSeries {
  const rows = state.followed.map((followed) => {
    const name = nameOf(followed.resource);
    const cells = columns.map(({ family, labels = [], value }) => {
      return { family, value, key: keyOf(family, [name, ...labels]) };
    });
    return { followed, cells };
  });
  return (out) => {
    for (const { followed, cells } of rows) {
      const { sizes } = followed.store;
      for (const { family, value, key } of cells) {
        const number = value(followed, sizes);
        if (number !== undefined) out.addSeries(family, key, number);
      }
    }
  };
}

const keyOf = (family: Family, labels: readonly string[]): string => family.name + labelBlock(family.labels, labels);

/** The sum over the reflectors of a resource, usually just one. */
const summed =
  (count: (stats: ReflectorStats) => number) =>
  ({ reflectors }: Followed): number => {
    let total = 0;
    for (const { stats } of reflectors) total += count(stats);
    return total;
  };

const kubeStateColumns: readonly Column[] = (['success', 'error'] as const).flatMap((result) => [
  { family: lists, labels: [result], value: summed(({ lists }) => lists[result]) },
  { family: watches, labels: [result], value: summed(({ watches }) => watches[result]) },
]);

/**
 * kube-state-metrics' series about itself, which its alerts use; `version` is ours. Shards have no label of their own,
 * so series that would be identical in all shards come from the first only.
 */
export function kubeStateSeries(state: ClusterState, options: KsmOptions, version: string): AddSeries {
  const perResource = table(state, kubeStateColumns, goTypeName);
  return (out) => {
    out.add(ordinal, options.shard, String(options.shard));
    if (options.shard > 0) return;
    perResource(out);
    for (const followed of state.followed) loseSeries(out, followed);
    out.add(buildInfo, 1, '', '', '', `firesteel-${version}`);
    out.add(totalShards, options.totalShards);
  };
}

/** Reports series of a resource that receivers would reject. */
function loseSeries(out: Snapshot, { resource, ownsStore, claims, notes }: Followed): void {
  const name = uniqueName(resource);
  const [first] = ownsStore && claims?.count ? claims.refused : [];
  if (first !== undefined) {
    const { series, object, holder } = first;
    out.lose(name, `${claims?.count} duplicate series dropped: ${series} of ${object} already belongs to ${holder}`);
  }
  const { example, overLimit } = notes;
  if (example !== undefined) out.lose(name, `${overLimit} series that VictoriaMetrics would drop: ${example}`);
}

const followColumns: readonly Column[] = [
  {
    family: gauge(
      'firesteel_ksm_resource_up',
      'Whether the resource is being watched; 0 until its first list and while it fails, absent while the API server does not serve it.',
      RESOURCE,
    ),
    value: (followed) =>
      isUnserved(followed) ? undefined : Number(followed.reflectors.every(wasListed) && !isDown(followed)),
  },
  {
    family: gauge('firesteel_ksm_objects', 'Objects currently known.', RESOURCE),
    value: summed(({ objects }) => objects),
  },
  {
    family: gauge('firesteel_ksm_shards', 'Compressed blocks that store the text of the series.', RESOURCE),
    value: ({ ownsStore }, { blocks }) => (ownsStore ? blocks : undefined),
  },
  {
    family: gauge('firesteel_ksm_text_bytes', 'Bytes of the text of the series, before compression.', RESOURCE),
    value: ({ ownsStore }, { textBytes }) => (ownsStore ? textBytes : undefined),
  },
  {
    family: gauge('firesteel_ksm_compressed_bytes', 'Bytes of the text of the series as stored, compressed.', RESOURCE),
    value: ({ ownsStore }, { memberBytes }) => (ownsStore ? memberBytes : undefined),
  },
  {
    family: gauge(
      'firesteel_ksm_last_event_timestamp_seconds',
      'Time when the last event or bookmark was received, in seconds since 1970.',
      RESOURCE,
    ),
    value({ reflectors }) {
      let last = 0;
      for (const { stats } of reflectors) last = Math.max(last, stats.lastEventMs ?? 0);
      return last === 0 ? undefined : last / 1000;
    },
  },
  {
    family: counter('firesteel_ksm_decode_errors_total', 'Watch events that could not be decoded.', RESOURCE),
    value: summed(({ events }) => events.malformed),
  },
  {
    family: counter(
      'firesteel_ksm_object_errors_total',
      'Metric families of objects that could not be rendered.',
      RESOURCE,
    ),
    value: (followed) => followed.renderErrors.count + handlerErrors(followed),
  },
  {
    family: gauge(
      'firesteel_ksm_duplicate_series',
      'Series dropped because another object of the custom resource has the same series. Absent when there are none.',
      RESOURCE,
    ),
    value: ({ ownsStore, claims }) => (ownsStore && claims?.count) || undefined,
  },
  {
    family: gauge(
      'firesteel_ksm_renamed_series',
      'Series with a label that the push sets itself, renamed to exported_*. Absent when there are none.',
      RESOURCE,
    ),
    value: ({ notes }) => notes.renamed || undefined,
  },
  {
    family: gauge(
      'firesteel_ksm_over_limit_series',
      'Series with more or longer labels than VictoriaMetrics accepts (limits in the configuration). Absent when there are none.',
      RESOURCE,
    ),
    value: ({ notes }) => notes.overLimit || undefined,
  },
];
const handlerErrors = summed((stats) => stats.handlerErrors);
const begun = counter('firesteel_ksm_lists_begun_total', 'Lists started, by reason; the first is "start".', ['reason']);

/** State and cost of following each resource. */
export function followSeries(state: ClusterState): AddSeries {
  const perResource = table(state, followColumns, uniqueName);
  const reasons = LIST_REASONS.map((reason) => ({
    key: keyOf(begun, [reason]),
    count: summed(({ listReasons }) => listReasons[reason]),
  }));
  return (out) => {
    perResource(out);
    for (const { key, count } of reasons) {
      out.addSeries(
        begun,
        key,
        state.followed.reduce((total, followed) => total + count(followed), 0),
      );
    }
  };
}

/** How kube-state-metrics writes a resource in its own series, `*v1.Pod`; custom ones with their group. */
const goTypeName = ({ apiVersion, kind, custom }: Followed['resource']): string =>
  `*${custom ? apiVersion : apiVersion.slice(apiVersion.indexOf('/') + 1)}.${kind}`;
