import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What waits for a receiver, and whether it takes uploads. */
export interface QueueState {
  readonly tiers: readonly {
    readonly tier: 'memory' | 'disk';
    readonly bodies: number;
    readonly bytes: number;
    readonly limitBytes: number;
    readonly oldestStampMs?: number;
  }[];
  readonly isOpen: boolean;
}

/** The self metrics of all exporters; one push tells of the pushes before it. */
export interface ExportMetrics {
  /** By exporter, asked at each collection: an upload changes it several times. */
  readonly queues: Map<string, () => QueueState>;
  readonly requests: Counter<'exporter' | 'code'>;
  readonly duration: Histogram<'exporter'>;
  readonly retries: Counter<'exporter' | 'reason'>;
  readonly samplesSent: Counter<'exporter'>;
  readonly samplesDropped: Counter<'exporter' | 'reason'>;
  readonly bytes: Counter<'exporter' | 'form'>;
  readonly replayed: Counter<'exporter'>;
  readonly setAside: Counter<'exporter'>;
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
  const queues = new Map<string, () => QueueState>();
  for (const { name, help, labels, set } of QUEUE_GAUGES) {
    new Gauge({
      name,
      help,
      labelNames: ['exporter', ...labels],
      registers,
      collect() {
        this.reset();
        for (const [exporter, state] of queues) set(this, exporter, state());
      },
    });
  }
  return {
    queues,
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

interface QueueGauge {
  readonly name: string;
  readonly help: string;
  /** After the exporter. */
  readonly labels: readonly string[];
  readonly set: (gauge: Gauge<string>, exporter: string, state: QueueState) => void;
}

const ofTiers =
  (value: (tier: QueueState['tiers'][number]) => number): QueueGauge['set'] =>
  (gauge, exporter, { tiers }) => {
    for (const one of tiers) gauge.set({ exporter, tier: one.tier }, value(one));
  };

const QUEUE_GAUGES: readonly QueueGauge[] = [
  {
    name: 'firesteel_export_queue_bodies',
    help: 'Bodies that wait for the receiver: tier="memory", tier="disk".',
    labels: ['tier'],
    set: ofTiers(({ bodies }) => bodies),
  },
  {
    name: 'firesteel_export_queue_bytes',
    help: 'Compressed bytes that wait for the receiver: tier="memory", tier="disk".',
    labels: ['tier'],
    set: ofTiers(({ bytes }) => bytes),
  },
  {
    name: 'firesteel_export_queue_limit_bytes',
    help: 'Bytes that may wait for the receiver; beyond, the oldest body goes.',
    labels: ['tier'],
    set: ofTiers(({ limitBytes }) => limitBytes),
  },
  {
    name: 'firesteel_export_queue_oldest_timestamp_seconds',
    help: 'When the oldest body that waits was collected, in seconds since 1970; absent when none does.',
    labels: [],
    set(gauge, exporter, { tiers }) {
      const oldest = Math.min(...tiers.map(({ oldestStampMs = Number.POSITIVE_INFINITY }) => oldestStampMs));
      if (Number.isFinite(oldest)) gauge.set({ exporter }, oldest / 1000);
    },
  },
  {
    name: 'firesteel_export_breaker_open',
    help: '1 while no address of the receiver takes uploads, so that only single tries are made.',
    labels: [],
    set: (gauge, exporter, { isOpen }) => gauge.set({ exporter }, isOpen ? 0 : 1),
  },
];
