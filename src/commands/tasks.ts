import { readText, whyUnread } from '../base/files.ts';
import { ConfigError } from '../config/config-error.ts';
import { parseYaml, YamlError } from '../config/yaml.ts';
import type { TaskView } from '../http/status-view.ts';
import type { LastRun } from '../tasks/last-run.ts';
import { AGENT_FLAGS, AGENT_URL_HELP, type AgentResponse, type AskAgent, agentOf } from './agent-client.ts';
import { type Command, type Io, UsageError } from './command.ts';
import { parseFlags } from './flags.ts';

const FLAGS = { ...AGENT_FLAGS, 'dry-run': { type: 'boolean' } } as const;

const MAX_BYTES = 1024 * 1024;

/** `firesteel tasks`: talks to a running agent. */
export const tasks: Command = {
  help: `usage: firesteel tasks list|add|remove|run [ARGUMENT...] [flags]

  list                     the tasks, with their state and last result
  add FILE                 adds the tasks of a YAML file (tasks: [...]); all of them or none
  remove ID...             removes tasks added through the API; waits for their runs to end
  run ID                   runs a task now and prints the result

  ${AGENT_URL_HELP}
  --token-file FILE        file with the control token; list needs only the right to read
  --dry-run                only print what add or remove would do`,
  async run(args, io) {
    const { values, positionals } = parseFlags(args, FLAGS, Number.POSITIVE_INFINITY);
    const [verb = '', ...rest] = positionals;
    const act = VERBS[verb];
    if (act === undefined) throw new UsageError(`tasks needs one of ${Object.keys(VERBS).join(', ')}`);
    return act(agentOf(values, io.stop).ask, rest, values['dry-run'] === true ? '?dryRun=true' : '', io);
  },
};

/** Why the API rejected a change. */
interface RefusedChange {
  readonly error?: unknown;
  readonly conflicts?: readonly string[];
  readonly unknown?: readonly string[];
  readonly sources?: Readonly<Record<string, string>>;
  readonly problems?: readonly { readonly id: string; readonly path: string; readonly message: string }[];
}

type Verb = (ask: AskAgent, args: readonly string[], query: string, io: Io) => Promise<number>;

const VERBS: Readonly<Record<string, Verb>> = {
  async list(ask, _args, _query, io) {
    const { status, body } = await ask<{ readonly tasks: readonly TaskView[] }>('GET', '/v1/tasks');
    if (status !== 200) return refused(status, body, io);
    const rows = body.tasks.map((task) => [
      task.id,
      task.type,
      task.source,
      task.state,
      task.intervalSeconds === 0 ? 'on demand' : `${task.intervalSeconds}s`,
      task.result ?? '-',
      `${task.series} series`,
      task.error ?? '',
    ]);
    if (rows.length === 0) io.stderr('no tasks\n');
    const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
    for (const row of rows) {
      io.stdout(
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
      );
    }
    return 0;
  },
  async add(ask, [file, ...more], query, io) {
    if (file === undefined || more.length > 0) throw new UsageError('tasks add needs one FILE');
    return changed(await ask('POST', `/v1/tasks${query}`, { tasks: tasksIn(file) }), io);
  },
  async remove(ask, ids, query, io) {
    if (ids.length === 0) throw new UsageError('tasks remove needs an ID');
    return changed(await ask('DELETE', `/v1/tasks${query}`, { ids }), io);
  },
  async run(ask, [id, ...more], _query, io) {
    if (id === undefined || more.length > 0) throw new UsageError('tasks run needs one ID');
    const { status, body } = await ask<{ readonly run: LastRun }>('POST', `/v1/tasks/${encodeURIComponent(id)}/run`);
    if (status !== 200) return refused(status, body, io);
    const { run } = body;
    io.stdout(`${run.result} in ${run.durationSeconds} s, ${run.series} series\n`);
    if (run.output !== undefined) io.stdout(run.output);
    if (run.error !== undefined) io.stderr(`${run.error}\n`);
    return run.result === 'ok' ? 0 : 1;
  },
};

/** The tasks of a file, as specified. */
function tasksIn(file: string): unknown[] {
  try {
    const { value } = parseYaml(file, readText(file, MAX_BYTES));
    const list: unknown = typeof value === 'object' && value !== null && 'tasks' in value ? value.tasks : value;
    if (Array.isArray(list)) return list;
    throw new ConfigError([`${file}: expected tasks: and a list`]);
  } catch (cause) {
    if (cause instanceof YamlError) throw new ConfigError(cause.problems);
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError([`${file}: cannot be read (${whyUnread(cause)})`]);
  }
}

function changed({ status, body }: AgentResponse, io: Io): number {
  if (status >= 300) return refused(status, body, io);
  for (const word of ['added', 'changed', 'removed', 'unchanged']) {
    const ids = body[word];
    if (Array.isArray(ids) && ids.length > 0) io.stdout(`${word}: ${ids.join(', ')}\n`);
  }
  if (body.persisted === false) io.stderr('warning: this is lost on restart: set http.stateFile or spool.path\n');
  return 0;
}

function refused(status: number, body: RefusedChange, io: Io): number {
  io.stderr(`${status}: ${String(body.error ?? 'refused')}\n`);
  for (const word of ['conflicts', 'unknown'] as const) {
    const ids = body[word];
    if (ids !== undefined) io.stderr(`${word}: ${ids.join(', ')}\n`);
  }
  for (const [id, source] of Object.entries(body.sources ?? {})) io.stderr(`${id}: ${source}\n`);
  for (const { id, path, message } of body.problems ?? [])
    io.stderr(`${[id, path, message].filter((text) => text).join(': ')}\n`);
  return 1;
}
