import { gauge } from './family.ts';
import type { CollectorResult } from './outcome.ts';
import { Snapshot } from './snapshot.ts';

const BY_COLLECTOR = ['group', 'collector'] as const;

const success = gauge(
  'firesteel_collector_success',
  'Whether the last run of the collector succeeded. Also 1 when this host has no data for it. Absent while it is disabled.',
  BY_COLLECTOR,
);
const duration = gauge('firesteel_collector_duration_seconds', 'Duration of the last run.', BY_COLLECTOR);
const samples = gauge('firesteel_collector_samples', 'Samples collected by the last run.', BY_COLLECTOR);
const lost = gauge(
  'firesteel_collector_lost_units',
  'Units (devices, files, families) that the last run could not read, including those it has no permission to read.',
  BY_COLLECTOR,
);
const noData = gauge(
  'firesteel_collector_no_data',
  '1 while this host has no data for the collector, with the reason. Absent otherwise.',
  [...BY_COLLECTOR, 'reason'],
);

const disabled = gauge(
  'firesteel_collector_disabled',
  '1 while an operator has temporarily disabled the collector, with their reason. Absent otherwise.',
  [...BY_COLLECTOR, 'reason'],
);

const renamed = gauge(
  'firesteel_collector_renamed_series',
  'Series of the last run with a label that the push sets itself (job, instance, cluster, ...). The label was renamed to exported_*, as in scraping. Absent when there are none.',
  BY_COLLECTOR,
);
const overLimit = gauge(
  'firesteel_collector_over_limit_series',
  'Series of the last run with more or longer labels than VictoriaMetrics accepts (limits in the configuration). Absent when there are none.',
  BY_COLLECTOR,
);

/** The families of {@link resultSamples}. */
export const resultFamilies = [success, duration, samples, lost, noData, disabled, renamed, overLimit];

/** Self metrics on the result of each collector in this cycle; `previous` are those of the last one. */
export function resultSamples(results: readonly CollectorResult[], previous?: Snapshot): Snapshot {
  const out = new Snapshot(previous);
  for (const result of results) {
    const { group, collector, outcome, reason, durationSeconds, errors, withheld, samples: count } = result;
    if (outcome === 'disabled') {
      out.add(disabled, 1, group, collector, reason ?? '');
      continue;
    }
    out.add(success, outcome === 'fault' ? 0 : 1, group, collector);
    out.add(duration, durationSeconds, group, collector);
    out.add(samples, count, group, collector);
    out.add(lost, errors.length + withheld.length, group, collector);
    if (result.renamed !== undefined) out.add(renamed, result.renamed, group, collector);
    if (result.overLimit !== undefined) out.add(overLimit, result.overLimit, group, collector);
    if (outcome === 'nodata') out.add(noData, 1, group, collector, reason ?? 'not known');
  }
  return out;
}
