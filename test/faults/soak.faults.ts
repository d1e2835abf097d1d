import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { generateNode } from '../../bench/kit/cgroup-tree.ts';
import { servePods } from '../../bench/kit/pod-server.ts';
import { memoryMib, startSink } from '../../bench/kit/processes.ts';
import { startAgent } from '../../src/agent/agent.ts';
import { shareMalloc } from '../../src/agent/memory.ts';
import { v8Settings } from '../../src/agent/v8-settings.ts';
import { createLog } from '../../src/base/log.ts';
import { settingsSchema } from '../../src/commands/settings.ts';
import { trimMalloc } from '../../src/host/malloc.ts';
import { slopeOf } from '../kit/slope.ts';
import { realPause, simulateTime } from './simulated-time.ts';

const HOURS = Number(process.env.FAULTS_HOURS ?? 24);
const INTERVAL_S = 15;
const PODS = 30;
const MIB = 2 ** 20;
/** The first hours fill bounded structures: histories, expiring groups, lists of ended series, and gaps of the heap. */
const WARM_HOURS = 6;
/** Fewer hours than these after that show whether the test works, but not whether memory grows. */
const FEWEST_HOURS = 12;
/** Allowed growth. */
const ALLOWED_MIB_PER_DAY = 1;

/** Resources in use at the end of an hour. */
interface Look {
  readonly hour: number;
  readonly rss: number;
  readonly anon: number;
  /** Used size of V8's heap. */
  readonly heap: number;
  readonly descriptors: number;
  readonly timers: number;
}

test('a day of churn: the memory, descriptors and timers of a node agent are flat', {
  timeout: 3_600_000,
}, async (t) => {
  // As in `run` for a node agent.
  v8Settings.boundYoungSpace([]);
  v8Settings.suit('node');
  shareMalloc();
  setFlagsFromString('--expose-gc');
  // V8 keeps freed pages for seconds of the real clock, which are hours here.
  setFlagsFromString('--no-memory-pool');
  const collectGarbage = runInNewContext('gc') as (options: object) => void;
  const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'firesteel-soak-'));
  const node = generateNode(root, PODS);
  const sleeper = spawn('sleep', ['infinity'], { stdio: 'ignore' });
  const sink = await startSink();
  const identity = await servePods(node.pods);
  t.after(() => {
    sink.close();
    identity.close();
    sleeper.kill();
    rmSync(root, { recursive: true, force: true });
  });
  const churn = churnOf(node.paths, root, `/proc/${sleeper.pid}`);
  const startMs = Math.ceil(Date.now() / 60_000) * 60_000;
  const config = settingsSchema.parse({
    node: 'worker-1',
    push: { interval: `${INTERVAL_S}s`, phase: '0s' },
    http: { enabled: false },
    paths: node.paths,
    collectors: { container: { identity: { source: 'state', url: identity.url } } },
    exporters: { sink: { type: 'vmagent', url: sink.url } },
  });
  const time = simulateTime(t, startMs);
  const agent = await startAgent(config, {
    log: createLog('fatal'),
    now: Date.now,
    random: Math.random,
    env: {},
    loadConfig: () => config,
  });
  const looks: Look[] = [];
  let fewest = Number.POSITIVE_INFINITY;
  for (let cycle = 1; cycle <= (HOURS * 3600) / INTERVAL_S; cycle++) {
    const before = sink.bodies;
    node.live();
    churn();
    for (let step = 0; step < 3; step++) await time.advance((INTERVAL_S * 1000) / 3);
    await time.until(() => sink.bodies > before);
    fewest = Math.min(fewest, time.pending());
    if (cycle % (3600 / INTERVAL_S) !== 0) continue;
    // The cycle has ended when its deadlines are cleared.
    await time.until(() => time.pending() <= fewest);
    await freeMemory(collectGarbage);
    const { heapUsed } = process.memoryUsage();
    const { rss, anon } = memoryMib(process.pid);
    const look = {
      hour: (cycle * INTERVAL_S) / 3600,
      rss,
      anon,
      heap: heapUsed / MIB,
      descriptors: readdirSync('/proc/self/fd').length,
      timers: time.pending(),
    };
    looks.push(look);
    t.diagnostic(
      `hour ${look.hour}: RSS ${look.rss.toFixed(1)} MiB, anonymous ${look.anon.toFixed(1)}, heap ${look.heap.toFixed(2)} MiB, ${look.descriptors} descriptors, ${look.timers} timers, ${sink.bodies} batches`,
    );
  }
  time.end();
  await agent.stop();
  assert.ok(sink.bodies > looks.length * 240, `${sink.bodies} batches in ${looks.length} hours`);
  const steady = looks.filter(({ hour }) => hour > Math.min(WARM_HOURS, HOURS / 2));
  const isJudged = steady.length >= FEWEST_HOURS;
  if (!isJudged) t.diagnostic(`${steady.length} hours after the first are too few to judge the growth of memory`);
  for (const what of ['rss', 'anon', 'heap'] as const) {
    const perDay = 24 * slopeOf(steady.map((look) => [look.hour, look[what]]));
    t.diagnostic(`${what}: ${perDay.toFixed(2)} MiB a day from hour ${steady[0]?.hour} on`);
    assert.ok(!isJudged || perDay <= ALLOWED_MIB_PER_DAY, `${what} grows by ${perDay} MiB a day`);
  }
  const third = Math.ceil(steady.length / 3);
  for (const what of ['descriptors', 'timers'] as const) {
    const [early, late] = [lowest(steady.slice(0, third), what), lowest(steady.slice(-third), what)];
    assert.ok(late <= early, `${what}: ${early} at least early, ${late} late`);
  }
});

/**
 * Leaves only what is in use. Otherwise up to 20 MiB of free pages remain: an ordinary collection does not compact the heap, and V8 promotes
 * the garbage of 240 cycles in a minute of the real clock. What the first collection finalizes is freed by the second.
 */
async function freeMemory(collectGarbage: (options: object) => void): Promise<void> {
  for (let time = 0; time < 2; time++) {
    collectGarbage({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    await realPause(200);
  }
  trimMalloc();
}

/** Some hours end within a cycle, which has connections and deadlines; the minimum excludes these. */
const lowest = (looks: readonly Look[], what: 'descriptors' | 'timers'): number =>
  Math.min(...looks.map((look) => look[what]));

/** In each cycle one pod and one process end, and the pod and the process that ended some cycles before start again. */
function churnOf(paths: { readonly procfs: string; readonly cgroup: string }, root: string, real: string): () => void {
  const slices = join(paths.cgroup, 'kubepods.slice/kubepods-burstable.slice');
  const away = join(root, 'away');
  const pods = readdirSync(slices).filter((name) => name.includes('-pod'));
  const pids = readdirSync(paths.procfs).filter((name) => /^\d+$/.test(name) && name !== '1');
  // Links to one real process, so that real kernel files are read.
  const show = (pid: string) => symlinkSync(real, join(paths.procfs, pid));
  const hide = (pid: string) => rmSync(join(paths.procfs, pid), { recursive: true, force: true });
  for (const pid of pids) {
    hide(pid);
    show(pid);
  }
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) && !existsSync(join(paths.procfs, name)))
      symlinkSync(join('/proc', name), join(paths.procfs, name));
  }
  let turn = 0;
  let gone: { readonly pod: string; readonly pid: string } | undefined;
  return () => {
    if (gone !== undefined) {
      // The node's I/O files have been written there in the meantime.
      rmSync(join(slices, gone.pod), { recursive: true, force: true });
      renameSync(away, join(slices, gone.pod));
      show(gone.pid);
    }
    turn++;
    gone = { pod: pods[turn % pods.length] ?? '', pid: pids[turn % pids.length] ?? '' };
    renameSync(join(slices, gone.pod), away);
    hide(gone.pid);
  };
}
