import { Counter, Gauge } from 'prom-client';
import type { LogLaneView } from '../http/status-view.ts';
import { Scope } from '../metrics/scope.ts';

type Of = 'source' | 'exporter';

/** Counters of shipping, and gauges evaluated at collection. */
export interface LogMetrics {
  readonly scope: Scope;
  readonly entries: Counter<Of | 'outcome'>;
  readonly dropped: Counter<Of | 'reason'>;
  readonly bytes: Counter<Of>;
  readonly saveErrors: Counter<Of>;
}

/** The current gauges of a lane. What was lost is saved, so that a restart continues it. */
type LaneGauges = Pick<
  LogLaneView,
  'source' | 'exporter' | 'inFlight' | 'lagSeconds' | 'lagEntries' | 'lost' | 'lostBytes'
>;

const OF = ['source', 'exporter'] as const;

/** The metrics of all lanes. */
export function logMetrics(lanes: () => readonly LaneGauges[]): LogMetrics {
  const scope = new Scope();
  const registers = [scope];
  const gauge = (name: string, help: string, value: (lane: LaneGauges) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: OF,
      registers,
      collect() {
        this.reset();
        for (const lane of lanes()) {
          const now = value(lane);
          if (now !== undefined) this.set({ source: lane.source, exporter: lane.exporter }, now);
        }
      },
    });
  gauge(
    'firesteel_logs_in_flight_entries',
    'Log entries read but not yet acknowledged by the receiver.',
    ({ inFlight }) => inFlight,
  );
  gauge(
    'firesteel_logs_lag_seconds',
    'Age of the oldest log entry that the receiver has not acknowledged; 0 when all are acknowledged.',
    ({ lagSeconds }) => lagSeconds,
  );
  gauge(
    'firesteel_logs_lag_entries',
    'Log entries that the receiver has not acknowledged, including those being sent; absent where the source cannot know.',
    ({ lagEntries }) => lagEntries,
  );
  const losses = (name: string, help: string, lost: (lane: LaneGauges) => Readonly<Record<string, number>>) =>
    new Counter({
      name,
      help,
      labelNames: [...OF, 'reason'] as const,
      registers,
      collect() {
        this.reset();
        for (const lane of lanes()) {
          const { source, exporter } = lane;
          for (const [reason, count] of Object.entries(lost(lane))) this.inc({ source, exporter, reason }, count);
        }
      },
    });
  losses(
    'firesteel_logs_lost_total',
    'Log entries lost before they could be read, by reason: rotated (gaps in sequence numbers), unreadable, corrupt; of events and traps also too_large, or not stored on disk: queue_full, disk, not_open. Also partial losses: cut (truncated lines), fields (journal fields that cannot be read).',
    ({ lost }) => lost,
  );
  losses(
    'firesteel_logs_lost_bytes_total',
    'Bytes of log files lost before they could be read, by reason: unread (the file was truncated or removed).',
    ({ lostBytes }) => lostBytes,
  );
  return {
    scope,
    entries: new Counter({
      name: 'firesteel_logs_entries_total',
      help: 'Log entries by outcome: acked by the receiver, dropped because it rejects them, or retried.',
      labelNames: [...OF, 'outcome'] as const,
      registers,
    }),
    dropped: new Counter({
      name: 'firesteel_logs_dropped_total',
      help: 'Log entries rejected by the receiver, by reason.',
      labelNames: [...OF, 'reason'] as const,
      registers,
    }),
    bytes: new Counter({
      name: 'firesteel_logs_bytes_total',
      help: 'Bytes of acknowledged uploads of log entries, before compression.',
      labelNames: OF,
      registers,
    }),
    saveErrors: new Counter({
      name: 'firesteel_logs_position_save_errors_total',
      help: 'Failed attempts to save the position of a source for a receiver.',
      labelNames: OF,
      registers,
    }),
  };
}
