import { Counter, Gauge, type Registry } from 'prom-client';

/** The self metrics of the push cycle. */
export interface CycleMetrics {
  readonly duration: Gauge;
  readonly samples: Gauge;
  readonly skipped: Counter<'reason'>;
}

/** Creates them in `registry`. */
export function cycleMetrics(registry: Registry): CycleMetrics {
  const registers = [registry];
  return {
    duration: new Gauge({
      name: 'firesteel_cycle_duration_seconds',
      help: 'How long the last cycle took to collect, encode and hand over.',
      registers,
    }),
    samples: new Gauge({
      name: 'firesteel_cycle_samples',
      help: 'Samples in the last cycle, all groups together.',
      registers,
    }),
    skipped: new Counter({
      name: 'firesteel_cycles_skipped_total',
      help: 'Cycles that were not run: reason="overlap" while one still ran, reason="late" after a stall.',
      labelNames: ['reason'] as const,
      registers,
    }),
  };
}
