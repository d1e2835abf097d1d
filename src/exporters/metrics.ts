import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** The self metrics of all exporters; one push tells of the pushes before it. */
export interface ExportMetrics {
  readonly requests: Counter<'exporter' | 'code'>;
  readonly duration: Histogram<'exporter'>;
  readonly retries: Counter<'exporter' | 'reason'>;
  readonly samplesSent: Counter<'exporter'>;
  readonly samplesDropped: Counter<'exporter' | 'reason'>;
  readonly leftOut: Gauge<'exporter' | 'group' | 'family'>;
  readonly bytes: Counter<'exporter' | 'form'>;
  readonly queueBodies: Gauge<'exporter' | 'tier'>;
  readonly queueBytes: Gauge<'exporter' | 'tier'>;
  readonly queueLimit: Gauge<'exporter' | 'tier'>;
  readonly queueOldest: Gauge<'exporter'>;
  readonly replayed: Counter<'exporter'>;
  readonly setAside: Counter<'exporter'>;
  readonly spoolUsable: Gauge<'exporter'>;
  readonly spoolForeign: Gauge<'exporter'>;
  readonly unknownDropped: Counter<'exporter' | 'reason'>;
  readonly breakerOpen: Gauge<'exporter'>;
  readonly connectionResets: Counter<'exporter'>;
  readonly lastSuccess: Gauge<'exporter'>;
  readonly highestSent: Gauge<'exporter'>;
  readonly clockSkew: Gauge<'exporter'>;
  readonly groupsDeleted: Counter<'exporter'>;
  readonly janitorErrors: Counter<'exporter'>;
}

/** Creates them in `registry`. */
export function exportMetrics(registry: Registry): ExportMetrics {
  const registers = [registry];
  const exporter = ['exporter'] as const;
  return {
    requests: new Counter({
      name: 'firesteel_export_requests_total',
      help: 'Uploads tried, by status code; code="error" without an answer.',
      labelNames: ['exporter', 'code'] as const,
      registers,
    }),
    duration: new Histogram({
      name: 'firesteel_export_request_duration_seconds',
      help: 'How long uploads took until the answer.',
      labelNames: exporter,
      buckets: [0.01, 0.05, 0.25, 1, 5, 25],
      registers,
    }),
    retries: new Counter({
      name: 'firesteel_export_retries_total',
      help: 'Uploads tried again, by what went wrong before.',
      labelNames: ['exporter', 'reason'] as const,
      registers,
    }),
    samplesSent: new Counter({
      name: 'firesteel_export_samples_sent_total',
      help: 'Samples that the receiver acknowledged.',
      labelNames: exporter,
      registers,
    }),
    samplesDropped: new Counter({
      name: 'firesteel_export_samples_dropped_total',
      help: 'Samples given up, by reason.',
      labelNames: ['exporter', 'reason'] as const,
      registers,
    }),
    leftOut: new Gauge({
      name: 'firesteel_export_left_out_samples',
      help: 'Samples of a family that the last push of a group went without, because the receiver refuses the family.',
      labelNames: ['exporter', 'group', 'family'] as const,
      registers,
    }),
    bytes: new Counter({
      name: 'firesteel_export_body_bytes_total',
      help: 'Bytes of acknowledged bodies: form="text" before compression, form="wire" as sent.',
      labelNames: ['exporter', 'form'] as const,
      registers,
    }),
    queueBodies: new Gauge({
      name: 'firesteel_export_queue_bodies',
      help: 'Bodies that wait for the receiver: tier="memory", tier="disk".',
      labelNames: ['exporter', 'tier'] as const,
      registers,
    }),
    queueBytes: new Gauge({
      name: 'firesteel_export_queue_bytes',
      help: 'Compressed bytes that wait for the receiver: tier="memory", tier="disk".',
      labelNames: ['exporter', 'tier'] as const,
      registers,
    }),
    queueLimit: new Gauge({
      name: 'firesteel_export_queue_limit_bytes',
      help: 'Bytes that may wait for the receiver; beyond, the oldest body goes.',
      labelNames: ['exporter', 'tier'] as const,
      registers,
    }),
    queueOldest: new Gauge({
      name: 'firesteel_export_queue_oldest_timestamp_seconds',
      help: 'When the oldest body that waits was collected, in seconds since 1970; absent when none does.',
      labelNames: exporter,
      registers,
    }),
    replayed: new Counter({
      name: 'firesteel_export_replayed_bodies_total',
      help: 'Bodies that were acknowledged after they had been on disk.',
      labelNames: exporter,
      registers,
    }),
    setAside: new Counter({
      name: 'firesteel_export_spool_set_aside_total',
      help: 'Files on disk that could not be used (damaged, or of a newer version) and were renamed to .bad.',
      labelNames: exporter,
      registers,
    }),
    spoolUsable: new Gauge({
      name: 'firesteel_export_spool_usable',
      help: '0 while nothing can be kept on disk: the folder can not be used, or the disk does not answer.',
      labelNames: exporter,
      registers,
    }),
    spoolForeign: new Gauge({
      name: 'firesteel_export_spool_foreign_entries',
      help: "Entries of the spool's folder that are not the agent's (folders, links, pipes, files of others) and are left alone.",
      labelNames: exporter,
      registers,
    }),
    unknownDropped: new Counter({
      name: 'firesteel_export_unknown_bodies_dropped_total',
      help: 'Files on disk that were given up without knowing how many samples they had, by reason.',
      labelNames: ['exporter', 'reason'] as const,
      registers,
    }),
    breakerOpen: new Gauge({
      name: 'firesteel_export_breaker_open',
      help: '1 while no address of the receiver takes uploads, so that only single tries are made.',
      labelNames: exporter,
      registers,
    }),
    connectionResets: new Counter({
      name: 'firesteel_export_connection_resets_total',
      help: 'Kept connections that the receiver had closed when an upload began; the upload was made again at once.',
      labelNames: exporter,
      registers,
    }),
    lastSuccess: new Gauge({
      name: 'firesteel_export_last_success_timestamp_seconds',
      help: 'When the receiver last acknowledged an upload, in seconds since 1970.',
      labelNames: exporter,
      registers,
    }),
    highestSent: new Gauge({
      name: 'firesteel_export_highest_sent_timestamp_seconds',
      help: 'When the newest acknowledged body was collected, in seconds since 1970.',
      labelNames: exporter,
      registers,
    }),
    clockSkew: new Gauge({
      name: 'firesteel_export_clock_skew_seconds',
      help: "How far the receiver's clock is ahead of this node's; whole seconds count.",
      labelNames: exporter,
      registers,
    }),
    groupsDeleted: new Counter({
      name: 'firesteel_export_deleted_groups_total',
      help: 'Groups of nodes that have left the cluster, deleted at a Pushgateway.',
      labelNames: exporter,
      registers,
    }),
    janitorErrors: new Counter({
      name: 'firesteel_export_janitor_errors_total',
      help: 'Rounds in which nodes or groups could not be read, or a group not be deleted.',
      labelNames: exporter,
      registers,
    }),
  };
}
