import { gauge } from './family.ts';
import type { CollectorResult } from './outcome.ts';
import { Snapshot } from './snapshot.ts';

const BY_COLLECTOR = ['group', 'collector'] as const;

const success = gauge(
  'firesteel_collector_success',
  'Whether the last run of the collector had no fault; 1 also when there is nothing to see on this host. Absent while it is disabled.',
  BY_COLLECTOR,
);
const duration = gauge('firesteel_collector_duration_seconds', 'How long the last run took.', BY_COLLECTOR);
const samples = gauge('firesteel_collector_samples', 'Samples that the last run brought.', BY_COLLECTOR);
const lost = gauge(
  'firesteel_collector_lost_units',
  'Units (devices, files, families) that the last run could not read, those among them that it has no right to read.',
  BY_COLLECTOR,
);
const noData = gauge(
  'firesteel_collector_no_data',
  'Present, and 1, while the collector finds nothing to see on this host; the reason says why.',
  [...BY_COLLECTOR, 'reason'],
);

const disabled = gauge(
  'firesteel_collector_disabled',
  '1 while an operator has switched the collector off for some time, with their reason; absent otherwise.',
  [...BY_COLLECTOR, 'reason'],
);

const renamed = gauge(
  'firesteel_collector_renamed_series',
  'Series of the last run with a label that the push sets itself (job, instance, cluster, ...); it became exported_*, as in scraping. Absent when there are none.',
  BY_COLLECTOR,
);
const overLimit = gauge(
  'firesteel_collector_over_limit_series',
  'Series of the last run with more or longer labels than VictoriaMetrics takes (limits in the configuration). Absent when there are none.',
  BY_COLLECTOR,
);

/** The families of {@link resultSamples}. */
export const resultFamilies = [success, duration, samples, lost, noData, disabled, renamed, overLimit];

/** The self metrics about how each collector fared in this cycle. */
export function resultSamples(results: readonly CollectorResult[]): Snapshot {
  const out = new Snapshot();
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
