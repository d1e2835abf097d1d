import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../kit/fault-proxy.ts';
import type { Random } from '../kit/random.ts';
import { serverAvailable } from '../kit/servers.ts';
import { acknowledged } from './bodies.ts';
import { Scene, summary } from './scene.ts';

const CYCLES = 60;

/** About every second upload goes well, so that there is something to come back to. */
function pickFault(random: Random, bytes: number): Fault | undefined {
  const at = random.below(bytes);
  return random.pick<() => Fault | undefined>([
    () => ({ kind: 'cut', at, how: 'fin' }),
    () => ({ kind: 'cut', at, how: 'rst' }),
    () => ({ kind: 'truncate', at }),
    () => ({ kind: 'loseAnswer' }),
    () => ({ kind: 'duplicate' }),
    () => ({ kind: 'delay', ms: random.below(2000) }),
    () => ({ kind: 'throttle', bytesPerSecond: 4000 + random.below(50_000) }),
    () => ({ kind: 'stall', ms: random.below(3000) }),
    ...Array<() => undefined>(8).fill(() => undefined),
  ])();
}

test('a network that cuts, delays, truncates and duplicates uploads stores no wrong value', {
  timeout: 300_000,
}, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const scene = await Scene.start(t);
  scene.proxy.choose = ({ bytes }) => pickFault(scene.random, bytes);
  await scene.startAgent();
  await scene.cycles(CYCLES);
  const { exchanges } = scene.proxy;
  const faulty = exchanges.length;
  scene.proxy.choose = () => undefined;
  await scene.drained();
  assert.equal((await scene.stopAgent()).code, 0);

  const kinds = Map.groupBy(exchanges.slice(0, faulty), ({ fault }) => fault?.kind ?? 'none');
  t.diagnostic([...kinds].map(([kind, uploads]) => `${kind} ${uploads.length}`).join(', '));
  const found = await scene.findings();
  t.diagnostic(summary(found));
  assert.deepEqual(found.wrong.slice(0, 10), []);
  // The receiver has acknowledged the first part of these as if it were all: nobody can know that the rest is missing.
  const believed = acknowledged(exchanges.filter(({ fault }) => fault?.kind === 'truncate'));
  t.diagnostic(`${believed.size} truncated uploads were acknowledged`);
  const unexplained = found.missing.filter(({ stampMs, job }) => !believed.has(`${job} ${stampMs}`));
  assert.deepEqual(unexplained, []);
  assert.equal(found.unwitnessed, 0);
  assert.ok(kinds.size >= 6, 'most faults happened');
});
