import { readText, whyUnread } from '../base/files.ts';
import { ConfigError } from '../config/config-error.ts';
import { SecretFile } from '../config/secret-file.ts';
import { parseYaml, YamlError } from '../config/yaml.ts';
import type { TaskView } from '../http/status-view.ts';
import { type Command, type Io, UsageError } from './command.ts';
import { type Parsed, parseFlags } from './flags.ts';

const FLAGS = {
  url: { type: 'string' },
  'token-file': { type: 'string' },
  'dry-run': { type: 'boolean' },
} as const;

const DEFAULT_URL = 'http://127.0.0.1:9750';
const MAX_BYTES = 1024 * 1024;
/** A run of a task may take as long as its deadline. */
const ANSWER_MS = 120_000;

/** `firesteel tasks`: talks to a running agent. */
export const tasks: Command = {
  help: `usage: firesteel tasks list|add|remove|run [ARGUMENT...] [flags]

  list                     the tasks, with their state and last result
  add FILE                 adds the tasks of a YAML file (tasks: [...]); all of them or none
  remove ID...             removes tasks that came by the API; ends when their runs have ended
  run ID                   runs a task now and prints how it went

  --url URL                the agent's HTTP server (${DEFAULT_URL})
  --token-file FILE        file with the control token; list needs only the right to read
  --dry-run                only say what add or remove would do`,
  async run(args, io) {
    const { values, positionals } = parseFlags(args, FLAGS, Number.POSITIVE_INFINITY);
    const [verb = '', ...rest] = positionals;
    const act = VERBS[verb];
    if (act === undefined) throw new UsageError(`tasks needs one of ${Object.keys(VERBS).join(', ')}`);
    return act(agentOf(values, io), rest, values['dry-run'] === true ? '?dryRun=true' : '', io);
  },
};

type Ask = (method: string, path: string, body?: object) => Promise<{ status: number; body: Record<string, unknown> }>;
type Verb = (ask: Ask, args: readonly string[], query: string, io: Io) => Promise<number>;

const VERBS: Readonly<Record<string, Verb>> = {
  async list(ask, _args, _query, io) {
    const { status, body } = await ask('GET', '/v1/tasks');
    if (status !== 200) return refused(status, body, io);
    const rows = (body.tasks as TaskView[]).map((task) => [
      task.id,
      task.type,
      task.source,
      task.state,
      task.intervalSeconds === 0 ? 'on demand' : `${task.intervalSeconds}s`,
      task.result ?? '-',
      `${task.series} series`,
      task.error ?? '',
    ]);
    if (rows.length === 0) io.stderr('there are no tasks\n');
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
    const { status, body } = await ask('POST', `/v1/tasks/${encodeURIComponent(id)}/run`);
    if (status !== 200) return refused(status, body, io);
    const run = body.run as {
      result: string;
      durationSeconds: number;
      series: number;
      error?: string;
      output?: string;
    };
    io.stdout(`${run.result} in ${run.durationSeconds} s, ${run.series} series\n`);
    if (run.output !== undefined) io.stdout(run.output);
    if (run.error !== undefined) io.stderr(`${run.error}\n`);
    return run.result === 'ok' ? 0 : 1;
  },
};

/** The tasks of a file, as they were given. */
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

function changed({ status, body }: Awaited<ReturnType<Ask>>, io: Io): number {
  if (status >= 300) return refused(status, body, io);
  for (const word of ['added', 'changed', 'removed', 'unchanged']) {
    const ids = body[word];
    if (Array.isArray(ids) && ids.length > 0) io.stdout(`${word}: ${ids.join(', ')}\n`);
  }
  if (body.persisted === false) io.stderr('warning: a restart forgets this: set http.stateFile or spool.path\n');
  return 0;
}

function refused(status: number, body: Record<string, unknown>, io: Io): number {
  io.stderr(`${status}: ${String(body.error ?? 'refused')}\n`);
  for (const word of ['conflicts', 'unknown']) {
    const ids = body[word];
    if (Array.isArray(ids)) io.stderr(`${word}: ${ids.join(', ')}\n`);
  }
  const sources = (body.sources ?? {}) as Record<string, string>;
  for (const [id, source] of Object.entries(sources)) io.stderr(`${id}: ${source}\n`);
  const problems = (body.problems ?? []) as { id: string; path: string; message: string }[];
  for (const { id, path, message } of problems) io.stderr(`${[id, path, message].filter((text) => text).join(': ')}\n`);
  return 1;
}

/** Asks the agent that the flags name. */
function agentOf(values: Parsed['values'], io: Io): Ask {
  const url = typeof values.url === 'string' ? values.url.replace(/\/+$/, '') : DEFAULT_URL;
  const file = values['token-file'];
  const token = typeof file === 'string' ? new SecretFile(file).read() : undefined;
  return async (method, path, body) => {
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const signal = AbortSignal.any([io.stop, AbortSignal.timeout(ANSWER_MS)]);
    const init = { method, headers, signal, redirect: 'error' as const, ...(body && { body: JSON.stringify(body) }) };
    const response = await fetch(url + path, init).catch((cause: Error) => {
      const why = (cause.cause as NodeJS.ErrnoException | undefined)?.code ?? cause.message;
      throw new UsageError(`${url}: no answer (${why}); is the agent there? see --url`);
    });
    const text = await response.text();
    try {
      return { status: response.status, body: JSON.parse(text) as Record<string, unknown> };
    } catch {
      throw new UsageError(`${url}: the answer is no JSON, so this is no Firesteel agent`);
    }
  };
}
