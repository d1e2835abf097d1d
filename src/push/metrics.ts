import { Counter, Gauge, type Registry } from 'prom-client';

/** The self metrics of the push cycle. */
export interface CycleMetrics {
  readonly duration: Gauge;
  readonly samples: Gauge;
  readonly skipped: Counter<'reason'>;
}

/** Registers them in `registry`. */
export function cycleMetrics(registry: Registry): CycleMetrics {
  const registers = [registry];
  return {
    duration: new Gauge({
      name: 'firesteel_cycle_duration_seconds',
      help: 'Duration of the last cycle: collection, encoding and handover to the exporters.',
      registers,
    }),
    samples: new Gauge({
      name: 'firesteel_cycle_samples',
      help: 'Samples of all groups in the last cycle that were passed to exporters; each counts once.',
      registers,
    }),
    skipped: new Counter({
      name: 'firesteel_cycles_skipped_total',
      help: 'Skipped cycles: reason="overlap" when the previous one was still running, reason="late" after a stall.',
      labelNames: ['reason'] as const,
      registers,
    }),
  };
}
