import { Counter, Gauge, type Registry } from 'prom-client';
import { errorText } from '../base/error-text.ts';
import type { Log } from '../base/log.ts';

/** Result of a reload. */
export interface Reloaded {
  /** The components that were added, replaced or removed. */
  readonly applied: readonly string[];
}

/** Reloads, one at a time. */
export interface Reloader {
  /** Rejects with the error of applying the configuration. */
  reload(): Promise<Reloaded>;
  /** Runs another change between reloads. */
  queue<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when no reload is in progress. */
  idle(): Promise<unknown>;
}

/**
 * Runs `apply` one at a time, and counts and logs the results. `apply` returns the names of the components that
 * changed.
 */
export function reloader(
  apply: () => Promise<readonly string[]>,
  { registry, log, now }: { readonly registry: Registry; readonly log: Log; readonly now: () => number },
): Reloader {
  const registers = [registry];
  const reloads = new Counter({
    name: 'firesteel_config_reloads_total',
    help: 'Configuration reloads by result: applied or refused.',
    labelNames: ['result'] as const,
    registers,
  });
  const good = new Gauge({
    name: 'firesteel_config_last_reload_successful',
    help: '1 if the last reload was applied, or there was none; 0 if it was refused and the previous configuration remains active.',
    registers,
  });
  const since = new Gauge({
    name: 'firesteel_config_last_applied_timestamp_seconds',
    help: 'When the active configuration was loaded.',
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
        applied.length === 0 ? 'configuration reloaded: nothing changed' : 'configuration reloaded',
      );
      return { applied };
    } catch (cause) {
      reloads.inc({ result: 'refused' });
      good.set(0);
      log.error({ reason: errorText(cause) }, 'reload refused; keeping the current configuration');
      throw cause;
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  const queue = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
  return {
    reload: () => queue(once),
    queue,
    idle: () => last,
  };
}
