import { Counter, Gauge, type Registry } from 'prom-client';
import type { Log } from '../base/log.ts';

/** What a reload did. */
export interface Reloaded {
  /** The parts that were made, made anew or ended. */
  readonly applied: readonly string[];
}

/** Makes `apply` run once at a time, counts how it went and logs it. Rejects with what `apply` rejects with. */
export function reloader(
  apply: () => Promise<readonly string[]>,
  { registry, log, now }: { readonly registry: Registry; readonly log: Log; readonly now: () => number },
): { reload(): Promise<Reloaded>; idle(): Promise<unknown> } {
  const registers = [registry];
  const reloads = new Counter({
    name: 'firesteel_config_reloads_total',
    help: 'Times that the configuration was read again, by result: applied or refused.',
    labelNames: ['result'] as const,
    registers,
  });
  const good = new Gauge({
    name: 'firesteel_config_last_reload_successful',
    help: 'Whether what runs is the configuration that was read last; 0 when that one was refused.',
    registers,
  });
  const since = new Gauge({
    name: 'firesteel_config_last_applied_timestamp_seconds',
    help: 'When the configuration that runs was read.',
    registers,
  });
  good.set(1);
  since.set(now() / 1000);
  const once = async (): Promise<Reloaded> => {
    try {
      const applied = await apply();
      reloads.inc({ result: 'applied' });
      good.set(1);
      since.set(now() / 1000);
      log.info(
        { applied },
        applied.length === 0 ? 'configuration read again: nothing changed' : 'configuration reloaded',
      );
      return { applied };
    } catch (cause) {
      reloads.inc({ result: 'refused' });
      good.set(0);
      log.error({ reason: (cause as Error).message }, 'new configuration refused; the one before stays in force');
      throw cause;
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  return {
    reload() {
      const done = last.then(once);
      last = done.catch(() => undefined);
      return done;
    },
    idle: () => last,
  };
}
