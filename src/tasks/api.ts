import * as z from 'zod';
import { duration, durationText, parseDuration } from '../config/units.ts';
import { withBody } from '../http/json-body.ts';
import { type Handler, type HttpRequest, json, type Reply, refuse } from '../http/message.ts';
import type { Changed, TaskControl } from './control.ts';
import { taskView } from './task-view.ts';

/** What the routes use in addition to the control. */
interface TaskApiOptions {
  readonly now: () => number;
  /** Longest time for which a task can be disabled, milliseconds. */
  readonly maxTtlMs: number;
}

/** Maximum time to wait for the result of a run. */
const LONGEST_RUN_MS = 100_000;

const record = z.record(z.string(), z.unknown());
const list = z.strictObject({ tasks: z.array(record).max(5000) });
const ids = z.strictObject({ ids: z.array(z.string()).min(1).max(5000) });
const parameters = z.strictObject({
  params: z.record(z.string(), z.string()).optional(),
  timeout: duration(100, LONGEST_RUN_MS).optional(),
});

/** The handlers of /v1/tasks and below, by route name. */
export type TaskApi = Readonly<Record<TaskRoute, Handler>>;

/** The requests for tasks. */
export type TaskRoute =
  | 'list'
  | 'show'
  | 'add'
  | 'replace'
  | 'replaceAll'
  | 'remove'
  | 'removeAll'
  | 'run'
  | 'disable'
  | 'enable';

/** Handles requests about tasks; the server has already checked the token. */
export function taskApi(control: TaskControl, { now, maxTtlMs }: TaskApiOptions): TaskApi {
  const disabling = z.strictObject({
    ttl: z.string().transform((text, context) => {
      const value = parseDuration(text);
      if (value !== undefined && value > 0 && value <= maxTtlMs) return value;
      context.addIssue({
        code: 'custom',
        message: `expected a duration such as 30m, ${durationText(maxTtlMs)} at most`,
      });
      return z.NEVER;
    }),
    // A reason becomes a label and a line of the log.
    reason: z
      .string()
      .trim()
      .min(1)
      .max(200)
      .regex(/^\P{Cc}*$/u, 'no control characters'),
  });
  const shown = (id: string): Reply => {
    const task = control.find(id);
    return task ? json(200, { nowMs: now(), task: taskView(task) }) : unknown(id);
  };
  return {
    list: () => json(200, { nowMs: now(), tasks: control.tasks.map(taskView) }),
    show: (request) => shown(idOf(request)),
    add: (request) =>
      withBody(request, list, async ({ tasks }) => replyOf(await control.add(tasks, changeOptions(request)))),
    replace: (request) =>
      withBody(request, record, async (task) =>
        replyOf(await control.replace(idOf(request), { id: idOf(request), ...task }, changeOptions(request))),
      ),
    replaceAll: (request) =>
      withBody(request, list, async ({ tasks }) => replyOf(await control.replaceAll(tasks, changeOptions(request)))),
    remove: async (request) => replyOf(await control.remove([idOf(request)], changeOptions(request))),
    removeAll: (request) =>
      withBody(request, ids, async (body) => replyOf(await control.remove(body.ids, changeOptions(request)))),
    run: async (request) => {
      const run = async ({ params = {}, timeout }: z.output<typeof parameters>): Promise<Reply> => {
        const ran = await control.runNow(idOf(request), { params, timeoutMs: timeout });
        if (ran === undefined) return unknown(idOf(request));
        if (ran === 'busy') return refuse(409, 'an earlier run is still running');
        if (ran === 'many') return refuse(429, 'too many such runs at once', { 'retry-after': '5' });
        return 'refused' in ran ? refuse(400, ran.refused) : json(200, { nowMs: now(), run: ran });
      };
      return request.body === '' ? run({}) : withBody(request, parameters, run);
    },
    disable: (request) =>
      withBody(request, disabling, async ({ ttl, reason }) => {
        await control.disable(idOf(request), ttl, reason);
        return shown(idOf(request));
      }),
    enable: async (request) => {
      await control.enable(idOf(request));
      return shown(idOf(request));
    },
  };
}

const replyOf = ({ status, body }: Changed): Reply => json(status, body);

const unknown = (id: string): Reply => json(404, { error: 'no tasks have these ids', unknown: [id] });

const idOf = ({ params: { id = '' } }: HttpRequest): string => id;

const changeOptions = ({ query }: HttpRequest) => ({
  dryRun: query.get('dryRun') === 'true',
  keepEqual: query.get('ifEqual') === 'keep',
});
