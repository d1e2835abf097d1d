// The kernel clock's discipline: adjtimex(2), read only. Absent without node:ffi and where seccomp forbids the call.
import { readTimex, type Timex } from '../../host/timex.ts';
import { counter, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const fields: readonly [keyof Timex, ReturnType<typeof gauge>][] = [
  [
    'offsetSeconds',
    gauge('node_timex_offset_seconds', 'Offset from the reference clock that the kernel has yet to correct.'),
  ],
  ['frequencyRatio', gauge('node_timex_frequency_adjustment_ratio', 'Clock frequency ratio; 1 is nominal.')],
  ['maxErrorSeconds', gauge('node_timex_maxerror_seconds', 'Upper bound of the clock error.')],
  ['estimatedErrorSeconds', gauge('node_timex_estimated_error_seconds', 'Estimated clock error.')],
  ['status', gauge('node_timex_status', 'Status bits of the clock (`STA_*`).')],
  ['timeConstant', gauge('node_timex_loop_time_constant', 'Time constant of the phase-locked loop.')],
  ['tickSeconds', gauge('node_timex_tick_seconds', 'Time between clock ticks.')],
  [
    'ppsFrequencyHertz',
    gauge('node_timex_pps_frequency_hertz', 'Frequency offset from the pulse-per-second signal, as a ratio.'),
  ],
  ['ppsJitterSeconds', gauge('node_timex_pps_jitter_seconds', 'Jitter of the pulse-per-second signal.')],
  [
    'ppsShiftSeconds',
    gauge(
      'node_timex_pps_shift_seconds',
      'Base-2 logarithm of the calibration interval of the pulse-per-second signal in seconds.',
    ),
  ],
  [
    'ppsStabilityHertz',
    gauge(
      'node_timex_pps_stability_hertz',
      'Average of recent changes of the frequency offset from the pulse-per-second signal, as a ratio.',
    ),
  ],
  [
    'ppsJitterCount',
    counter(
      'node_timex_pps_jitter_total',
      'Number of times the jitter limit of the pulse-per-second signal was exceeded.',
    ),
  ],
  [
    'ppsCalibrationCount',
    counter('node_timex_pps_calibration_total', 'Calibration intervals of the pulse-per-second signal.'),
  ],
  ['ppsErrorCount', counter('node_timex_pps_error_total', 'Calibration errors of the pulse-per-second signal.')],
  [
    'ppsStabilityCount',
    counter(
      'node_timex_pps_stability_exceeded_total',
      'Number of times the stability limit of the pulse-per-second signal was exceeded.',
    ),
  ],
  ['taiOffsetSeconds', gauge('node_timex_tai_offset_seconds', 'Offset of International Atomic Time (TAI) from UTC.')],
  ['synchronized', gauge('node_timex_sync_status', 'Whether the clock is synchronized.')],
];

/** The kernel clock's discipline. */
export const timex = defineCollector({
  name: 'timex',
  enabled: true,
  summary: 'Error, frequency and synchronization of the clock, by the system call `adjtimex` (needs `node:ffi`).',
  options: NO_OPTIONS,
  families: fields.map(([, family]) => family),
  create() {
    return (out) => addTimex(out, readTimex());
  },
});

/** Adds the samples of a kernel response. */
export function addTimex(out: Snapshot, values: Timex): void {
  for (const [field, family] of fields) out.add(family, Number(values[field]));
}
