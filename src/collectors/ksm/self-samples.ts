import type { Reflector } from '../../kube/reflector.ts';
import { LIST_REASONS, type ReflectorStats } from '../../kube/reflector-stats.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { labelBlock } from '../../metrics/text/format.ts';
import type { ClusterState } from './cluster-state.ts';
import type { KsmOptions } from './options.ts';
import { uniqueName } from './resource.ts';
import { type Followed, isDown, isNotServed, wasListed } from './resource-status.ts';
import type { StoreSizes } from './store/store.ts';

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

/** Adds series as they stand. */
export type AddSeries = (out: Snapshot) => void;

/** One number about a resource. */
interface Column {
  readonly family: Family;
  /** Labels after the resource. */
  readonly labels?: readonly string[];
  /** Undefined when there is nothing to tell yet. */
  readonly value: (followed: Followed, sizes: StoreSizes) => number | undefined;
}

/**
 * The columns for all resources, which `nameOf` names. Their keys are made once and nothing is made for a single number:
 * there are hundreds, and a push that has nothing else to do takes a few milliseconds.
 */
function table(
  state: ClusterState,
  columns: readonly Column[],
  nameOf: (resource: Followed['resource']) => string,
): AddSeries {
  const rows = state.followed.map((followed) => {
    const name = nameOf(followed.resource);
    const keys = columns.map(({ family, labels = [] }) => keyOf(family, [name, ...labels]));
    return { followed, keys };
  });
  return (out) => {
    for (const { followed, keys } of rows) {
      const { sizes } = followed.store;
      for (let index = 0; index < columns.length; index++) {
        const { family, value } = columns[index] as Column;
        const number = value(followed, sizes);
        if (number !== undefined) out.addSeries(family, keys[index] as string, number);
      }
    }
  };
}

const keyOf = (family: Family, labels: readonly string[]): string => family.name + labelBlock(family.labels, labels);

/** The sum over the reflectors of a resource, most often one. */
const summed =
  (count: (stats: ReflectorStats) => number) =>
  ({ reflectors }: Followed): number => {
    let total = 0;
    for (let index = 0; index < reflectors.length; index++) total += count((reflectors[index] as Reflector).stats);
    return total;
  };

const kubeStateColumns: readonly Column[] = (['success', 'error'] as const).flatMap((result) => [
  { family: lists, labels: [result], value: summed(({ lists }) => lists[result]) },
  { family: watches, labels: [result], value: summed(({ watches }) => watches[result]) },
]);

/**
 * kube-state-metrics' series about itself, which alerts on it ask for; `version` is ours. Shards have no label of their
 * own, so what would be the same series from each of them comes from the first.
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

/** Names what the receivers will not have of a resource. */
function loseSeries(out: Snapshot, { resource, ownsStore, claims, notes }: Followed): void {
  const name = uniqueName(resource);
  const [first] = ownsStore && claims?.count ? claims.refused : [];
  if (first !== undefined) {
    const { series, object, holder } = first;
    out.lose(
      name,
      `${claims?.count} series that other objects have as well: ${series} of ${object} is that of ${holder}`,
    );
  }
  const { example, overLimit } = notes;
  if (example !== undefined) out.lose(name, `${overLimit} series that VictoriaMetrics drops: ${example}`);
}

const followColumns: readonly Column[] = [
  {
    family: gauge(
      'firesteel_ksm_resource_up',
      'Whether the resource is followed; 0 until its first list and while it is down, absent while the API server does not have it.',
      RESOURCE,
    ),
    value: (followed) =>
      isNotServed(followed) ? undefined : Number(followed.reflectors.every(wasListed) && !isDown(followed)),
  },
  {
    family: gauge('firesteel_ksm_objects', 'Objects known.', RESOURCE),
    value: summed(({ objects }) => objects),
  },
  {
    family: gauge('firesteel_ksm_shards', 'Compressed blocks that hold the text.', RESOURCE),
    value: ({ ownsStore }, { blocks }) => (ownsStore ? blocks : undefined),
  },
  {
    family: gauge('firesteel_ksm_text_bytes', 'Bytes of the text before compression.', RESOURCE),
    value: ({ ownsStore }, { textBytes }) => (ownsStore ? textBytes : undefined),
  },
  {
    family: gauge('firesteel_ksm_compressed_bytes', 'Bytes of the text as it is kept.', RESOURCE),
    value: ({ ownsStore }, { memberBytes }) => (ownsStore ? memberBytes : undefined),
  },
  {
    family: gauge('firesteel_ksm_last_event_timestamp_seconds', 'When the last event or bookmark came.', RESOURCE),
    value({ reflectors }) {
      let last = 0;
      for (const { stats } of reflectors) last = Math.max(last, stats.lastEventMs ?? 0);
      return last === 0 ? undefined : last / 1000;
    },
  },
  {
    family: counter('firesteel_ksm_decode_errors_total', 'Events that could not be read.', RESOURCE),
    value: summed(({ events }) => events.malformed),
  },
  {
    family: counter('firesteel_ksm_object_errors_total', 'Families of objects that could not be told.', RESOURCE),
    value: (followed) => followed.renderErrors.count + handlerErrors(followed),
  },
  {
    family: gauge(
      'firesteel_ksm_duplicate_series',
      'Series that another object of the custom resource has as well, and that are left out; absent without any.',
      RESOURCE,
    ),
    value: ({ ownsStore, claims }) => (ownsStore && claims?.count) || undefined,
  },
  {
    family: gauge(
      'firesteel_ksm_renamed_series',
      'Series with a label that the push sets itself; it became exported_*. Absent without any.',
      RESOURCE,
    ),
    value: ({ notes }) => notes.renamed || undefined,
  },
  {
    family: gauge(
      'firesteel_ksm_over_limit_series',
      'Series with more or longer labels than VictoriaMetrics takes (limits in the configuration). Absent without any.',
      RESOURCE,
    ),
    value: ({ notes }) => notes.overLimit || undefined,
  },
];
const handlerErrors = summed((stats) => stats.handlerErrors);
const begun = counter('firesteel_ksm_lists_begun_total', 'Lists begun, by reason; the first is "start".', ['reason']);

/** How each resource is followed and what it costs. */
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
