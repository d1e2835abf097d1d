import { gauge } from '../../metrics/family.ts';
import type { CollectorResult } from '../../metrics/outcome.ts';
import { Snapshot } from '../../metrics/snapshot.ts';

const duration = gauge('node_scrape_collector_duration_seconds', 'Duration of the collector run.', ['collector']);
const success = gauge(
  'node_scrape_collector_success',
  'Whether the collector returned data; as in node_exporter, 0 also if the host lacks the files, and 1 if they are empty.',
  ['collector'],
);

const buildInfo = gauge('node_exporter_build_info', 'Always 1; version of the agent that provides these metrics.', [
  ...['branch', 'goarch', 'goos', 'goversion', 'revision', 'tags'],
  'version',
]);

/** The families of {@link nodeReport}. */
export const nodeReportFamilies = [duration, success, buildInfo];

/** The results of the node collectors, in the series used by node_exporter's dashboards and alerts. */
export const nodeReport =
  (version: string) =>
  (results: readonly CollectorResult[], previous?: Snapshot): Snapshot => {
    const out = new Snapshot(previous);
    for (const { group, collector, outcome, durationSeconds, isEmpty } of results) {
      if (group !== 'node') continue;
      out.add(duration, durationSeconds, collector);
      out.add(success, outcome === 'ok' || outcome === 'partial' || isEmpty ? 1 : 0, collector);
    }
    if (out.size > 0) out.add(buildInfo, 1, '', '', '', '', '', '', `firesteel-${version}`);
    return out;
  };
