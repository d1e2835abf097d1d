import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Self metrics of all exporters. A push reports on the pushes before it. */
export interface ExportMetrics {
  readonly requests: Counter<'exporter' | 'code'>;
  readonly duration: Histogram<'exporter'>;
  readonly retries: Counter<'exporter' | 'reason'>;
  readonly samplesSent: Counter<'exporter'>;
  readonly samplesDropped: Counter<'exporter' | 'reason'>;
  readonly markersDropped: Counter<'exporter' | 'reason'>;
  readonly leftOut: Gauge<'exporter' | 'group' | 'family'>;
  readonly bytes: Counter<'exporter' | 'form'>;
  readonly queueBatches: Gauge<'exporter' | 'tier'>;
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
  /**
   * Calls `observe` before the metrics of queues are read: they change several times per push, and only the last value
   * matters. Returns a function that unregisters it.
   */
  onCollect(observe: () => void): () => void;
}

/** Registers them in `registry`. */
export function exportMetrics(registry: Registry): ExportMetrics {
  const registers = [registry];
  const exporter = ['exporter'] as const;
  const observers = new Set<() => void>();
  return {
    requests: new Counter({
      name: 'firesteel_export_requests_total',
      help: 'Upload attempts by HTTP status code; code="error" when there was no response.',
      labelNames: ['exporter', 'code'] as const,
      registers,
    }),
    duration: new Histogram({
      name: 'firesteel_export_request_duration_seconds',
      help: 'Time from the start of an upload to its response or failure.',
      labelNames: exporter,
      buckets: [0.01, 0.05, 0.25, 1, 5, 25],
      registers,
    }),
    retries: new Counter({
      name: 'firesteel_export_retries_total',
      help: 'Upload retries, by the reason of the failure.',
      labelNames: ['exporter', 'reason'] as const,
      registers,
    }),
    samplesSent: new Counter({
      name: 'firesteel_export_samples_sent_total',
      help: 'Samples acknowledged by the receiver.',
      labelNames: exporter,
      registers,
    }),
    samplesDropped: new Counter({
      name: 'firesteel_export_samples_dropped_total',
      help: 'Samples dropped, by reason.',
      labelNames: ['exporter', 'reason'] as const,
      registers,
    }),
    markersDropped: new Counter({
      name: 'firesteel_export_stale_markers_dropped_total',
      help: 'Vanished series that stay visible at the receiver for five minutes, because their stale markers were not sent: reason="too_many", more than can be queued; reason="failed", the receiver did not accept them.',
      labelNames: ['exporter', 'reason'] as const,
      registers,
    }),
    leftOut: new Gauge({
      name: 'firesteel_export_left_out_samples',
      help: 'Samples omitted from the last push of a group because the receiver rejects their family.',
      labelNames: ['exporter', 'group', 'family'] as const,
      registers,
    }),
    bytes: new Counter({
      name: 'firesteel_export_body_bytes_total',
      help: 'Bytes of acknowledged batches: form="text" before compression, form="wire" as sent.',
      labelNames: ['exporter', 'form'] as const,
      registers,
    }),
    queueBatches: new Gauge({
      name: 'firesteel_export_queue_bodies',
      help: 'Batches queued for the receiver: tier="memory", tier="disk".',
      labelNames: ['exporter', 'tier'] as const,
      registers,
      // Metrics are collected in the order of their registration, so this is before all of a queue.
      collect() {
        for (const observe of observers) observe();
      },
    }),
    queueBytes: new Gauge({
      name: 'firesteel_export_queue_bytes',
      help: 'Compressed bytes queued for the receiver: tier="memory", tier="disk".',
      labelNames: ['exporter', 'tier'] as const,
      registers,
    }),
    queueLimit: new Gauge({
      name: 'firesteel_export_queue_limit_bytes',
      help: 'Size limit of the queue in bytes. Above it, the oldest batch moves from memory to disk, or is dropped.',
      labelNames: ['exporter', 'tier'] as const,
      registers,
    }),
    queueOldest: new Gauge({
      name: 'firesteel_export_queue_oldest_timestamp_seconds',
      help: 'Collection time of the oldest queued batch, in seconds since 1970. Absent while the queue is empty.',
      labelNames: exporter,
      registers,
    }),
    replayed: new Counter({
      name: 'firesteel_export_replayed_bodies_total',
      help: 'Batches from disk that the receiver acknowledged.',
      labelNames: exporter,
      registers,
    }),
    setAside: new Counter({
      name: 'firesteel_export_spool_set_aside_total',
      help: 'Spool files that were unusable (corrupt, or written by a newer version) and renamed to .bad.',
      labelNames: exporter,
      registers,
    }),
    spoolUsable: new Gauge({
      name: 'firesteel_export_spool_usable',
      help: '0 while the spool is unavailable: the folder is unusable, or the disk does not respond.',
      labelNames: exporter,
      registers,
    }),
    spoolForeign: new Gauge({
      name: 'firesteel_export_spool_foreign_entries',
      help: 'Foreign entries in the spool folder (folders, links, pipes, other files). The agent leaves them untouched.',
      labelNames: exporter,
      registers,
    }),
    unknownDropped: new Counter({
      name: 'firesteel_export_unknown_bodies_dropped_total',
      help: 'Spool files dropped whose number of samples is unknown, by reason.',
      labelNames: ['exporter', 'reason'] as const,
      registers,
    }),
    breakerOpen: new Gauge({
      name: 'firesteel_export_breaker_open',
      help: '1 while no address of the receiver accepts uploads. Only single attempts are made then.',
      labelNames: exporter,
      registers,
    }),
    connectionResets: new Counter({
      name: 'firesteel_export_connection_resets_total',
      help: 'Keep-alive connections found closed by the receiver when an upload began. The upload was retried immediately.',
      labelNames: exporter,
      registers,
    }),
    lastSuccess: new Gauge({
      name: 'firesteel_export_last_success_timestamp_seconds',
      help: 'Time of the last acknowledged upload of samples, in seconds since 1970.',
      labelNames: exporter,
      registers,
    }),
    highestSent: new Gauge({
      name: 'firesteel_export_highest_sent_timestamp_seconds',
      help: 'Collection time of the newest acknowledged batch, in seconds since 1970.',
      labelNames: exporter,
      registers,
    }),
    clockSkew: new Gauge({
      name: 'firesteel_export_clock_skew_seconds',
      help: "How far the receiver's clock is ahead of this node's, in seconds. Up to 1 s too low, as receivers send whole seconds.",
      labelNames: exporter,
      registers,
    }),
    groupsDeleted: new Counter({
      name: 'firesteel_export_deleted_groups_total',
      help: 'Pushgateway groups deleted because their node has left the cluster.',
      labelNames: exporter,
      registers,
    }),
    janitorErrors: new Counter({
      name: 'firesteel_export_janitor_errors_total',
      help: 'Cleanup rounds that failed to read nodes or Pushgateway groups, or to delete one.',
      labelNames: exporter,
      registers,
    }),
    onCollect(observe) {
      observers.add(observe);
      return () => void observers.delete(observe);
    },
  };
}
