import { RUNBOOK } from '../http/page/problem-kinds.js';
import { verdict } from '../http/page/verdict.js';
import type { StatusView } from '../http/status-view.ts';
import { AGENT_FLAGS, AGENT_URL_HELP, agentOf } from './agent-client.ts';
import { type Command, UsageError } from './command.ts';
import { parseFlags } from './flags.ts';
import { statusText } from './status-text.ts';

/** Exit codes by the state of the agent. */
const CODES = { ok: 0, off: 0, warn: 3, bad: 4 } as const;
const NO_STATUS = 1;

/** The problems of an agent, as its page and `firesteel status --format json` show it. */
export function problemsOf(status: StatusView) {
  const { level, sentence, problems } = verdict(status);
  return {
    level,
    sentence,
    problems: problems.map(({ kind, level: of, what, why, nextTryMs }) => ({
      level: of,
      what,
      why,
      todo: kind.todo,
      runbook: `${RUNBOOK}#${kind.anchor}`,
      ...(nextTryMs !== undefined && { nextTryMs }),
    })),
  };
}

/** `firesteel status`: the status page for a terminal. */
export const status: Command = {
  help: `usage: firesteel status [--url URL] [--token-file FILE] [--format text|json]

Prints what the agent's status page shows: the overall state, each problem with what to do next, and the main figures.

  ${AGENT_URL_HELP}
  --token-file FILE        file with the token for reading, if the agent requires one
  --format FORMAT          text, or json with the whole status

The exit code is 0 when all is well or the agent is starting, 3 for warnings, 4 for faults, 1 without a response.`,
  async run(args, io) {
    const { values } = parseFlags(args, { ...AGENT_FLAGS, format: { type: 'string' } });
    const format = values.format ?? 'text';
    if (format !== 'text' && format !== 'json') throw new UsageError('--format is text or json');
    const { url, ask } = agentOf(values, io.stop);
    let view: StatusView;
    try {
      const { status: code, body } = await ask<StatusView>('GET', '/v1/status');
      if (code !== 200) throw new UsageError(`${url}: ${code}: ${String(body.error ?? 'refused')}`);
      view = body;
    } catch (cause) {
      if (!(cause instanceof UsageError)) throw cause;
      io.stderr(`${cause.message}\n`);
      return NO_STATUS;
    }
    const health = problemsOf(view);
    if (format === 'json') io.stdout(`${JSON.stringify({ ...health, status: view }, null, 2)}\n`);
    else io.stdout(statusText(view, health, io));
    return CODES[health.level];
  },
};
