import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverAvailable } from '../kit/servers.ts';
import { acknowledged } from './bodies.ts';
import { pickFault } from './flaky-network.ts';
import { Scene, summary } from './scene.ts';

const CYCLES = 60;

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
  // The receiver has acknowledged the first part of these as if it were complete: the missing rest cannot be detected.
  const believed = acknowledged(exchanges.filter(({ fault }) => fault?.kind === 'truncate'));
  t.diagnostic(`${believed.size} truncated uploads were acknowledged`);
  const unexplained = found.missing.filter(({ stampMs, job }) => !believed.has(`${job} ${stampMs}`));
  assert.deepEqual(unexplained, []);
  assert.equal(found.unwitnessed, 0);
  assert.ok(kinds.size >= 6, 'most faults happened');
});
