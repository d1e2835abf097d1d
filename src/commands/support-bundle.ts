import { writeFile } from 'node:fs/promises';
import { arch, platform, release, totalmem } from 'node:os';
import { wallMs } from '../base/clock.ts';
import { errorText } from '../base/error-text.ts';
import { VERSION } from '../config/version.ts';
import { withoutSecrets } from '../config/without-secrets.ts';
import type { StatusView, TroubleList } from '../http/status-view.ts';
import { AGENT_FLAGS, AGENT_URL_HELP, type AskAgent, agentOf } from './agent-client.ts';
import { type Command, UsageError } from './command.ts';
import { parseFlags } from './flags.ts';
import { problemsOf } from './status.ts';

/** A larger file would not be practical to send; families are omitted first, then targets. */
const MAX_BYTES = 8 * 1024 * 1024;

/** `firesteel support-bundle`: one JSON file about a running agent. */
export const supportBundle: Command = {
  help: `usage: firesteel support-bundle [--url URL] [--token-file FILE] [-o FILE]

Writes one JSON file for a bug report: versions, status with its problems and the last hour, the last warnings and errors
of the log, and the active configuration. Passwords, tokens, header values, environment variables and the queries of
URLs are left out; read it before you send it.

  ${AGENT_URL_HELP}
  --token-file FILE        file with the token for reading, if the agent requires one
  -o, --output FILE        where to write it, - for standard output; firesteel-support-NODE.json when unset`,
  async run(args, io) {
    const { values } = parseFlags(args, { ...AGENT_FLAGS, output: { type: 'string', short: 'o' } });
    const { url, ask } = agentOf(values, io.stop);
    const { node, text } = await bundleOf(url, ask, wallMs());
    const file = typeof values.output === 'string' ? values.output : `firesteel-support-${fileName(node)}.json`;
    if (file === '-') {
      io.stdout(text);
      return 0;
    }
    try {
      await writeFile(file, text, { mode: 0o600, signal: io.stop });
    } catch (cause) {
      io.stderr(`${file}: cannot be written: ${errorText(cause)}\n`);
      return 1;
    }
    io.stdout(`${file}: ${Math.ceil(text.length / 1024)} KiB; secrets are left out, read it before you send it\n`);
    return 0;
  },
};

/** The responses of the agent, as one text; at most {@link MAX_BYTES} long. */
async function bundleOf(url: string, ask: AskAgent, nowMs: number): Promise<{ node: string; text: string }> {
  const status = await responseOf<StatusView>(url, ask, '/v1/status');
  const log = await responseOf<TroubleList>(url, ask, '/v1/log').catch((cause: unknown) => ({
    error: errorText(cause),
  }));
  const { config, scrape, ...rest } = status;
  const whole = {
    writtenAt: new Date(nowMs).toISOString(),
    versions: {
      agent: status.agent.version,
      agentRuntime: status.agent.runtime,
      command: VERSION,
      commandRuntime: process.version,
      system: `${platform()} ${release()} ${arch()}`,
      memoryBytes: totalmem(),
    },
    health: problemsOf(status),
    log,
    configuration: config,
    status: rest,
  };
  const variants = [{ ...whole, scrape }, whole, { ...whole, status: { ...rest, tasks: undefined } }];
  const texts = variants.map((variant) => `${JSON.stringify(withoutSecrets(variant), null, 2)}\n`);
  const text = texts.find(({ length }) => length <= MAX_BYTES);
  if (text === undefined) throw new UsageError(`${url}: the response is larger than ${MAX_BYTES} bytes`);
  return { node: status.agent.node, text };
}

async function responseOf<Body>(url: string, ask: AskAgent, path: string): Promise<Body> {
  const { status, body } = await ask<Body>('GET', path);
  if (status !== 200) throw new UsageError(`${url}${path}: ${status}: ${String(body.error ?? 'refused')}`);
  return body;
}

const fileName = (node: string): string => node.replaceAll(/[^\w.-]/g, '_').slice(0, 100);
