import * as z from 'zod';
import { durationText, parseDuration } from '../config/units.ts';
import { withBody } from './json-body.ts';
import { type Handler, type HttpRequest, json, type Reply, type RouteMethods, type Routes, refuse } from './message.ts';
import type { CollectorAnswer, CollectorView, LogLevelView, ReloadView, RunView } from './status-view.ts';

/** The changes available over the API. Each returns the new state, or undefined for an unknown collector. */
interface Controls {
  readonly now: () => number;
  /** The levels accepted by {@link setLogLevel}. */
  readonly logLevels: readonly string[];
  /** Longest time of a temporary change, milliseconds. */
  readonly maxTtlMs: number;
  /** Runs the collector once; `busy` while an earlier run is still running. */
  run(id: string): Promise<{ readonly collector: CollectorView; readonly run: RunView } | 'busy' | undefined>;
  disable(id: string, ttlMs: number, reason: string): Promise<CollectorView | undefined>;
  enable(id: string): Promise<CollectorView | undefined>;
  setLogLevel(level: string, ttlMs: number | undefined): LogLevelView;
  /** Reads the configuration again. */
  reload?(): Promise<ReloadView>;
}

/** The routes for changes; the server has already checked the control token. */
export function controlRoutes(controls: Controls): Routes {
  const ttl = z.string().transform((text, context) => {
    const value = parseDuration(text);
    if (value !== undefined && value > 0 && value <= controls.maxTtlMs) return value;
    const most = durationText(controls.maxTtlMs);
    context.addIssue({ code: 'custom', message: `expected a duration such as 30m, ${most} at most` });
    return z.NEVER;
  });
  // A reason becomes a label and a log line.
  const reason = z
    .string()
    .trim()
    .min(1)
    .max(200)
    .regex(/^\P{Cc}*$/u, 'no control characters');
  const disabling = z.strictObject({ ttl, reason });
  const leveling = z.strictObject({ level: z.enum(controls.logLevels), ttl: ttl.optional() });
  const shown = (view: Omit<CollectorAnswer, 'nowMs'> | undefined): Reply =>
    view ? json(200, { nowMs: controls.now(), ...view }) : refuse(404, 'there is no collector of that id');
  const state = (collector: CollectorView | undefined): Reply => shown(collector && { collector });
  const { reload } = controls;
  const idOf = ({ params: { id = '' } }: HttpRequest) => id;
  return {
    '/v1/collectors/{id}/run': post(async (request) => {
      const ran = await controls.run(idOf(request));
      return ran === 'busy' ? refuse(409, 'an earlier run is still running') : shown(ran);
    }, 2),
    '/v1/collectors/{id}/disable': post(async (request) =>
      withBody(request, disabling, async (body) => state(await controls.disable(idOf(request), body.ttl, body.reason))),
    ),
    '/v1/collectors/{id}/enable': post(async (request) => state(await controls.enable(idOf(request)))),
    '/v1/log-level': post((request) =>
      withBody(request, leveling, async ({ level, ttl }) => json(200, controls.setLogLevel(level, ttl))),
    ),
    ...(reload && {
      '/v1/reload': post(async () => {
        const result = await reload();
        return json(result.refused ? 409 : 200, result);
      }, 2),
    }),
  };
}

const post = (POST: Handler, atOnce?: number): RouteMethods => ({ POST, ...(atOnce !== undefined && { atOnce }) });
