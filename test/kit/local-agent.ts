import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Agent, startAgent } from '../../src/agent/agent.ts';
import { createLog } from '../../src/base/log.ts';
import { loadSettings } from '../../src/commands/settings.ts';
import { ApiDocument } from './openapi.ts';

/** A response of the API. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON. */
  readonly body: unknown;
}

/** An agent in this process, with a control token. */
export interface LocalAgent {
  readonly agent: Agent;
  readonly url: string;
  readonly folder: string;
  readonly token: string;
  /** Lines of the log, parsed. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** Writes another configuration, for a reload. */
  configure(config: object): void;
  /** Sends a request, and fails if the response does not match docs/api.yaml for `path`, which may contain `{id}`. */
  get(path: string, search?: string, headers?: Record<string, string>): Promise<Answer>;
  /** The same for POST with the control token; `id` replaces `{id}`. */
  post(path: string, body?: unknown, id?: string, headers?: Record<string, string>): Promise<Answer>;
  /** The same for any method; `search` is the query. */
  send(method: string, path: string, options?: { body?: unknown; id?: string; search?: string }): Promise<Answer>;
}

const document = new ApiDocument();

/** Starts an agent that collects every second and stops with the test. */
export async function startLocalAgent(context: TestContext, config: (folder: string) => object): Promise<LocalAgent> {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-agent-'));
  const token = 'let-me-in';
  writeFileSync(join(folder, 'token'), `${token}\n`);
  const file = join(folder, 'config.yaml');
  // JSON is YAML.
  const configure = (content: object) => writeFileSync(file, JSON.stringify(content));
  configure(config(folder));
  const lines: Record<string, unknown>[] = [];
  const log = createLog('info', { write: (line) => lines.push(JSON.parse(line)) });
  const load = () => loadSettings({ config: file }, {}).config;
  const agent = await startAgent(load(), { log, now: Date.now, random: Math.random, env: {}, loadConfig: load });
  context.after(async () => {
    await agent.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const url = agent.url ?? '';
  const ask = async (method: string, path: string, at: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(url + at, { method, signal: AbortSignal.timeout(60_000), ...init });
    const text = await response.text();
    const wrong = document.mistakes(path, response.status, text, method.toLowerCase());
    if (wrong.length > 0) throw new Error(`${method} ${path}: ${wrong.join('; ')}: ${text.slice(0, 500)}`);
    return {
      status: response.status,
      headers: response.headers,
      text,
      get body() {
        return JSON.parse(text);
      },
    };
  };
  return {
    agent,
    url,
    folder,
    token,
    log: lines,
    configure,
    get: (path, search = '', headers = {}) => ask('GET', path, path + search, { headers }),
    send: (method, path, { body, id = '', search = '' } = {}) =>
      ask(method, path, path.replace('{id}', id) + search, {
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    post: (path, body, id = '', headers = { authorization: `Bearer ${token}` }) =>
      ask('POST', path, path.replace('{id}', id), {
        headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
  };
}
