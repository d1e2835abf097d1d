// /proc/pressure: Documentation/accounting/psi.rst. Absent before Linux 4.20 and without CONFIG_PSI; with psi=0 on the
// kernel command line the files exist but cannot be read.
import { errorCode } from '../../base/error-text.ts';
import { UnreadableFile } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { parsePressure } from '../../host/pressure.ts';
import { counter, type Family } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

/** Families by file and by the first word of the line: `some` tasks waited, or all of them stalled. */
const FILES: Readonly<Record<string, { readonly some?: Family; readonly full?: Family }>> = {
  cpu: {
    some: counter('node_pressure_cpu_waiting_seconds_total', 'Time during which at least one task waited for a CPU.'),
  },
  io: {
    some: counter('node_pressure_io_waiting_seconds_total', 'Time during which at least one task waited for I/O.'),
    full: counter('node_pressure_io_stalled_seconds_total', 'Time during which all non-idle tasks waited for I/O.'),
  },
  irq: {
    full: counter(
      'node_pressure_irq_stalled_seconds_total',
      'Time during which all non-idle tasks were stalled by interrupts.',
    ),
  },
  memory: {
    some: counter(
      'node_pressure_memory_waiting_seconds_total',
      'Time during which at least one task waited for memory.',
    ),
    full: counter(
      'node_pressure_memory_stalled_seconds_total',
      'Time during which all non-idle tasks waited for memory.',
    ),
  },
};

/** Pressure stall information. */
export const pressure = defineCollector({
  name: 'pressure',
  enabled: true,
  summary:
    'Pressure stall information (PSI): how long tasks waited for CPU, memory, I/O and interrupts, from `/proc/pressure`.',
  options: NO_OPTIONS,
  whenEmpty: 'the kernel has no pressure stall information (PSI)',
  families: Object.values(FILES).flatMap((byLine) => Object.values(byLine)),
  create({ host }) {
    return (out) => {
      for (const [name, byLine] of Object.entries(FILES)) {
        const path = host.proc('pressure', name);
        out.attempt(path, () => {
          const text = host.exists(path) ? readPressure(host, path) : undefined;
          if (text === undefined) return;
          const totals = parsePressure(out, path, text, byLine.some ? 'some' : 'full');
          if (byLine.some && totals.some !== undefined) out.add(byLine.some, seconds(totals.some));
          if (byLine.full && totals.full !== undefined) out.add(byLine.full, seconds(totals.full));
        });
      }
    };
  },
});

/** With psi=0, and for interrupts without IRQ accounting, the kernel reports that reading is unsupported. */
function readPressure(host: Host, path: string): string | undefined {
  try {
    return host.readIfExists(path);
  } catch (cause) {
    const code = cause instanceof UnreadableFile ? errorCode(cause.cause) : undefined;
    if (code === 'EOPNOTSUPP' || code === 'ENOTSUP') return undefined;
    throw cause;
  }
}

/** Two divisions, as node_exporter makes them: one by 1e6 may differ in the last digit. */
const seconds = (microseconds: number): number => microseconds / 1000 / 1000;
