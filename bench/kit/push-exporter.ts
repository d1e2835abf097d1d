import { createLog, ThrottledLog } from '../../src/base/log.ts';
import { settingsSchema } from '../../src/commands/settings.ts';
import { targets } from '../../src/config/identity.ts';
import type { Exporter } from '../../src/exporters/exporter.ts';
import { createExporter } from '../../src/exporters/index.ts';
import { exportMetrics } from '../../src/exporters/metrics.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';

/** Shared by many exporters of one process: self metrics and log. */
export class PushExporters {
  readonly registry = new AgentRegistry();
  readonly log = new ThrottledLog(createLog('warn'));
  readonly #metrics = exportMetrics(this.registry);

  /** The exporter of an agent on `node` for a receiver at `url`. */
  create(node: string, url: string, type = 'vmagent'): Promise<Exporter> {
    const config = settingsSchema.parse({ node, exporters: { victoria: { type, url } } });
    const settings = config.exporters.victoria;
    if (settings === undefined) throw new Error('BUG: no settings');
    return createExporter('victoria', settings, {
      targets: targets(config),
      metrics: this.#metrics,
      log: this.log,
      now: Date.now,
      random: Math.random,
      env: {},
      spool: config.spool,
    });
  }

  /** A self metric, summed over its series, or over those with `label` if given. */
  async sum(name: string, label = ''): Promise<number> {
    let sum = 0;
    for (const line of (await this.registry.metrics()).split('\n')) {
      if (line.startsWith(`${name}{`) && line.includes(label)) sum += Number(line.slice(line.lastIndexOf(' ') + 1));
    }
    return sum;
  }
}
