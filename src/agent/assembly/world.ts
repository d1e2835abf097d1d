import type { Log, ThrottledLog } from '../../base/log.ts';
import type { ExportMetrics } from '../../exporters/metrics.ts';
import type { Route } from '../../http/message.ts';
import type { HttpSettings } from '../../http/server.ts';
import type { Gate } from '../../metrics/registry.ts';
import type { SkipReason } from '../../push/schedule.ts';

/** What does not change with the configuration. */
export interface AssemblyWorld {
  readonly log: Log;
  readonly throttled: ThrottledLog;
  readonly now: () => number;
  readonly random: () => number;
  readonly env: NodeJS.ProcessEnv;
  readonly exportMetrics: ExportMetrics;
  /** The table of routes, which is filled after the server has started. */
  readonly routes: Readonly<Record<string, Route>>;
  /** The HTTP server's settings now. */
  readonly serving: () => HttpSettings;
  /** Runs a push cycle. */
  readonly run: () => Promise<void>;
  /** Begins a push cycle out of turn. */
  readonly pushNow: () => void;
  /** Builds everything anew from the same configuration: what it depends on has changed. */
  readonly reassemble: () => void;
  readonly onSkip: (reason: SkipReason) => void;
  /** Why a producer is switched off for some time. */
  readonly gate: Gate;
  /** Who of another group brings a family. */
  readonly ownerOf: (family: string, group: string) => string | undefined;
  /** Called after each run of a task. */
  readonly onTask: () => void;
}
