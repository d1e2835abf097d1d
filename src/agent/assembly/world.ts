import type { Log, ThrottledLog } from '../../base/log.ts';
import type { ExportMetrics } from '../../exporters/metrics.ts';
import type { Route } from '../../http/message.ts';
import type { HttpServerSettings } from '../../http/server.ts';
import type { Gate } from '../../metrics/registry.ts';
import type { TickSkipReason } from '../../push/schedule.ts';

/** State that does not depend on the configuration. */
export interface AssemblyWorld {
  readonly log: Log;
  readonly throttled: ThrottledLog;
  readonly now: () => number;
  readonly random: () => number;
  readonly env: NodeJS.ProcessEnv;
  readonly exportMetrics: ExportMetrics;
  /** The table of routes, which is filled after the server has started. */
  readonly routes: Readonly<Record<string, Route>>;
  /** The current settings of the HTTP server. */
  readonly serving: () => HttpServerSettings;
  /** Runs a push cycle. */
  readonly run: () => Promise<void>;
  /** Starts a push cycle immediately. */
  readonly pushNow: () => void;
  /** Rebuilds everything from the same configuration after something that it depends on has changed. */
  readonly reassemble: () => void;
  readonly onSkip: (reason: TickSkipReason) => void;
  /** Why a producer is temporarily disabled. */
  readonly gate: Gate;
  /** The collector of another group that emits a family. */
  readonly ownerOf: (family: string, group: string) => string | undefined;
  /** Called after each run of a task. */
  readonly onTask: () => void;
}

/** Logs requests to `server` that failed. */
export const requestFailed =
  ({ throttled }: AssemblyWorld, server: string) =>
  (path: string, cause: unknown): void =>
    throttled.write('error', `${server} ${path}`, { path, err: cause }, 'request failed');
