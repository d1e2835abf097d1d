import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** The self metrics of all exporters; one push tells of the pushes before it. */
export interface ExportMetrics {
  readonly requests: Counter<'exporter' | 'code'>;
  readonly duration: Histogram<'exporter'>;
  readonly retries: Counter<'exporter' | 'reason'>;
  readonly samplesSent: Counter<'exporter'>;
  readonly samplesDropped: Counter<'exporter' | 'reason'>;
  readonly bytes: Counter<'exporter' | 'form'>;
  readonly queueBodies: Gauge<'exporter'>;
  readonly queueBytes: Gauge<'exporter'>;
  readonly lastSuccess: Gauge<'exporter'>;
  readonly clockSkew: Gauge<'exporter'>;
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
    bytes: new Counter({
      name: 'firesteel_export_body_bytes_total',
      help: 'Bytes of acknowledged bodies: form="text" before compression, form="wire" as sent.',
      labelNames: ['exporter', 'form'] as const,
      registers,
    }),
    queueBodies: new Gauge({
      name: 'firesteel_export_queue_bodies',
      help: 'Bodies that wait for the receiver.',
      labelNames: exporter,
      registers,
    }),
    queueBytes: new Gauge({
      name: 'firesteel_export_queue_bytes',
      help: 'Compressed bytes that wait for the receiver.',
      labelNames: exporter,
      registers,
    }),
    lastSuccess: new Gauge({
      name: 'firesteel_export_last_success_timestamp_seconds',
      help: 'When the receiver last acknowledged an upload, in seconds since 1970.',
      labelNames: exporter,
      registers,
    }),
    clockSkew: new Gauge({
      name: 'firesteel_export_clock_skew_seconds',
      help: "How far the receiver's clock is ahead of this node's; whole seconds count.",
      labelNames: exporter,
      registers,
    }),
  };
}
