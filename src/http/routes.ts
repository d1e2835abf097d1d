import type { Prepared } from '../metrics/prepared.ts';
import type { AgentRegistry, CollectorFilter } from '../metrics/registry.ts';
import { encodeByFamily } from '../metrics/text/encoder.ts';
import { BadSelection, filterOf } from './collector-filter.ts';
import { type Routes, refuse } from './message.ts';

const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';

/** Requests within this time share one collection. */
const SHARED_MS = 1000;

interface RouteOptions {
  readonly registry: AgentRegistry;
  /** How long a collector may take, milliseconds. */
  readonly deadlineMs: number;
  readonly now: () => number;
  /** Why the agent is not ready, one line each; empty if it is. */
  readonly unready: () => readonly string[];
}

/** The agent's routes. Neither probe depends on the receivers: their outage must not restart agents. */
export function routes({ registry, deadlineMs, now, unready }: RouteOptions): Routes {
  let shared: { at: number; text: Promise<readonly Buffer[]> } | undefined;
  const collect = async (wanted?: CollectorFilter) => {
    const { groups } = await registry.gather(deadlineMs, undefined, wanted);
    return [...encodeByFamily([...groups.values()].flat())];
  };
  const prepared = (wanted?: CollectorFilter) =>
    registry.allPrepared.filter(
      ({ group, collector }) => registry.gate(group, collector) === undefined && wanted?.(group, collector) !== false,
    );
  const known = () => [
    ...registry.allProducers.map(({ group, name }) => [group, name] as const),
    ...registry.allPrepared.map(({ group, collector }) => [group, collector] as const),
  ];
  return {
    '/healthz': { open: true, GET: () => ({ status: 200, body: 'ok\n' }) },
    '/readyz': {
      open: true,
      GET() {
        const reasons = unready();
        return reasons.length === 0 ? { status: 200, body: 'ok\n' } : { status: 503, body: `${reasons.join('\n')}\n` };
      },
    },
    '/metrics': {
      atOnce: 4,
      async GET({ query }) {
        const wanted = selection(query, known());
        if (wanted instanceof BadSelection) return refuse(400, wanted.message);
        if (wanted !== undefined) {
          return { status: 200, type: TEXT_FORMAT, body: pieces(await collect(wanted), prepared(wanted)) };
        }
        if (shared === undefined || now() - shared.at > SHARED_MS) shared = { at: now(), text: collect() };
        return { status: 200, type: TEXT_FORMAT, body: pieces(await shared.text, prepared()) };
      },
    },
  };
}

function selection(...given: Parameters<typeof filterOf>): CollectorFilter | undefined | BadSelection {
  try {
    return filterOf(...given);
  } catch (cause) {
    if (cause instanceof BadSelection) return cause;
    throw cause;
  }
}

/** Prepared text can be large: it is decompressed piece by piece for each reader. */
async function* pieces(collected: readonly Buffer[], prepared: readonly Prepared[]): AsyncGenerator<Buffer> {
  yield* collected;
  for (const part of prepared) yield* part.byFamily();
}
