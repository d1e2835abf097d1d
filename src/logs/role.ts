import { join } from 'node:path';
import { ThrottledLog } from '../base/log.ts';
import type { LogLaneView } from '../http/status-view.ts';
import type { Scope } from '../metrics/scope.ts';
import { Lane } from './lane.ts';
import { type LogMetrics, logMetrics } from './metrics.ts';
import { redactor } from './redact.ts';
import type { LogSink } from './sink.ts';
import type { LogSourceType } from './source.ts';
import { wantedSources } from './sources.ts';
import type { LogWorld } from './world.ts';

/** Below the folder of the spool; no exporter has a name that begins with a dot. */
const FOLDER = '.logs';

/** A receiver of entries. */
interface LogReceiver {
  readonly name: string;
  readonly sink: LogSink;
}

/** Ships log entries: every source to every receiver, each on its own lane, so that none waits for another. */
export class LogsRole {
  readonly #lanes: readonly Lane[];
  readonly #metrics: LogMetrics;

  private constructor(
    world: LogWorld,
    types: readonly LogSourceType[],
    receivers: readonly LogReceiver[],
    spoolPath: string | undefined,
  ) {
    const log = new ThrottledLog(world.log, world.now);
    const redact = redactor(world.logs.redact);
    this.#metrics = logMetrics(() => this.status());
    const names = receivers.map(({ name }) => name);
    world.traps?.expect(names);
    world.events?.expect(names);
    this.#lanes = receivers.flatMap(({ name: exporter, sink }) =>
      types.map((type) => {
        const folder = spoolPath && join(spoolPath, FOLDER, exporter);
        return new Lane({ exporter, sink, type, folder, redact, metrics: this.#metrics, log, now: world.now });
      }),
    );
    if (spoolPath === undefined) {
      world.log.warn('log shipping: positions are lost on restart; set spool.path');
    }
  }

  /** Loads the sources that the configuration enables. */
  static async create(
    world: LogWorld,
    receivers: readonly LogReceiver[],
    spoolPath: string | undefined,
  ): Promise<LogsRole> {
    const types = await Promise.all(wantedSources(world.logs, world.shippedByRule).map((kind) => kind.load(world)));
    return new LogsRole(world, types, receivers, spoolPath);
  }

  get scope(): Scope {
    return this.#metrics.scope;
  }

  start(): void {
    for (const lane of this.#lanes) lane.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.stop()));
  }

  status(): LogLaneView[] {
    return this.#lanes.map((lane) => lane.status());
  }
}
