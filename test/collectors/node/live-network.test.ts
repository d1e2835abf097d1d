import assert from 'node:assert/strict';
import { test } from 'node:test';
import { netclass } from '../../../src/collectors/node/netclass.ts';
import { netdev } from '../../../src/collectors/node/netdev.ts';
import { qdisc } from '../../../src/collectors/node/qdisc.ts';
import { timex } from '../../../src/collectors/node/timex.ts';
import { DEFAULT_PATHS } from '../../../src/host/paths.ts';
import { collectOnce } from '../../kit/collect.ts';
import { samplesOf } from '../../kit/samples.ts';
import { serverAvailable, startServer } from '../../kit/servers.ts';

const NODE_EXPORTER = 'prometheus-node-exporter';
const COLLECTORS = [netclass, netdev, qdisc, timex];
/** A device may appear or vanish, or a clock be set, between two reads. */
const ATTEMPTS = 3;

test('clock and network on this host are those of node_exporter, within the changes between two reads', async (t) => {
  if (!serverAvailable(t, NODE_EXPORTER)) return;
  const flags = COLLECTORS.map(({ name }) => `--collector.${name}`);
  const base = await startServer(
    t,
    NODE_EXPORTER,
    (port) => [`--web.listen-address=127.0.0.1:${port}`, '--collector.disable-defaults', ...flags],
    '/',
  );
  let differences: string[] = [];
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    differences = notBetween(await scrape(base), await collectAll(), await scrape(base));
    if (differences.length === 0) return;
  }
  assert.deepEqual(differences, []);
});

type Samples = ReadonlyMap<string, number>;

async function scrape(base: string): Promise<Samples> {
  const response = await fetch(`${base}/metrics`, { signal: AbortSignal.timeout(60_000) });
  const samples = samplesOf(await response.text());
  return new Map([...samples].filter(([series]) => /^node_(network|qdisc|timex)_/.test(series)));
}

async function collectAll(): Promise<Samples> {
  const lines: string[] = [];
  for (const spec of COLLECTORS) {
    const collected = await collectOnce(spec, DEFAULT_PATHS);
    assert.deepEqual([spec.name, collected.result.outcome, collected.result.errors], [spec.name, 'ok', []]);
    lines.push(...collected.lines);
  }
  return samplesOf(`${lines.join('\n')}\n`);
}

/** The series that are not in all three, or whose value is not between the first and the last. */
function notBetween(before: Samples, ours: Samples, after: Samples): string[] {
  const wrong: string[] = [];
  for (const series of new Set([...before.keys(), ...ours.keys(), ...after.keys()])) {
    const [first, value, last] = [before.get(series), ours.get(series), after.get(series)];
    const isBetween =
      first !== undefined &&
      value !== undefined &&
      last !== undefined &&
      value >= Math.min(first, last) &&
      value <= Math.max(first, last);
    if (!isBetween) wrong.push(`${series}: ${value}, node_exporter before ${first}, after ${last}`);
  }
  return wrong;
}
