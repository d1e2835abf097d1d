import { encodeByFamily } from '../metrics/encoder.ts';
import type { Prepared } from '../metrics/prepared.ts';
import type { AgentRegistry } from '../metrics/registry.ts';
import type { Routes } from './message.ts';

const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';

/** Requests within this time share one collection. */
const SHARED_MS = 1000;

export interface RouteOptions {
  readonly registry: AgentRegistry;
  /** How long a collector may take, milliseconds. */
  readonly deadlineMs: number;
  readonly now: () => number;
  /** Whether the first collection has been made. */
  readonly ready: () => boolean;
}

/** The agent's routes. Neither probe looks at the receivers: an outage of theirs must not restart agents. */
export function routes({ registry, deadlineMs, now, ready }: RouteOptions): Routes {
  let shared: { at: number; text: Promise<readonly Buffer[]> } | undefined;
  const collect = async () => {
    const { groups } = await registry.gather(deadlineMs);
    return [...encodeByFamily([...groups.values()].flat())];
  };
  const prepared = () => registry.allPrepared.filter((part) => registry.gate(part.group, part.collector) === undefined);
  return {
    '/healthz': { open: true, GET: () => ({ status: 200, body: 'ok\n' }) },
    '/readyz': {
      open: true,
      GET: () => (ready() ? { status: 200, body: 'ok\n' } : { status: 503, body: 'first collection still runs\n' }),
    },
    '/metrics': {
      atOnce: 4,
      async GET() {
        if (shared === undefined || now() - shared.at > SHARED_MS) shared = { at: now(), text: collect() };
        return { status: 200, type: TEXT_FORMAT, body: pieces(await shared.text, prepared()) };
      },
    },
  };
}

/** What is kept compressed can be large: it is unpacked piece by piece, for each reader. */
async function* pieces(collected: readonly Buffer[], prepared: readonly Prepared[]): AsyncGenerator<Buffer> {
  yield* collected;
  for (const part of prepared) yield* part.byFamily();
}
