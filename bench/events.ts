import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { EventTally } from '../src/collectors/event/tally.ts';
import { nextMessage } from './kit/messages.ts';
import { cpuMs, memoryMib, sleep, startAgent, startSink } from './kit/processes.ts';

/** Time for the first list, the first push and the first garbage collections. */
const SETTLE_MS = 20_000;

/**
 * A state agent that counts the events of a cluster, in parallel with one that does not: CPU and memory, idle and at a given
 * rate of changes. Both follow the nodes of a recorded cluster.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      events: { type: 'string', default: '10000' },
      paces: { type: 'string', default: '0,100' },
      seconds: { type: 'string', default: '60' },
    },
  });
  const live = Number(values.events);
  console.log(`${live} live events: ${(heldBytes(live) / 2 ** 20).toFixed(2)} MiB of the heap`);
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-bench-events-'));
  const api = fork(new URL('kit/event-api.ts', import.meta.url), [values.events], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  process.once('exit', () => api.kill());
  const sink = await startSink();
  try {
    const { kubeconfig } = await nextMessage<{ kubeconfig: string }>(api);
    const file = join(folder, 'kubeconfig');
    writeFileSync(file, kubeconfig);
    const settings = [
      ...['node', 'container', 'process'].map((group) => `collectors.${group}.enabled=false`),
      ...['collectors.ksm.enabled=true', `collectors.ksm.kubeconfig=${file}`, 'collectors.ksm.resources=["nodes"]'],
      'election.enabled=false',
    ];
    const flags = (more: readonly string[]) => [
      ...['--push.interval', '15s', '--http.listen', '127.0.0.1:0', '--log.level', 'error'],
      ...[...settings, ...more].flatMap((setting) => ['--set', setting]),
    ];
    const without = await startAgent(sink.url, flags([]));
    const agent = await startAgent(sink.url, flags(['collectors.event.enabled=true']));
    await sleep(SETTLE_MS);
    for (const pace of values.paces.split(',').map(Number)) {
      api.send({ eventsPerSecond: pace });
      await sleep(2000);
      const [before, bare] = [cpuMs(agent.pid), cpuMs(without.pid)];
      await sleep(Number(values.seconds) * 1000);
      const perSecond = (cpuMs(agent.pid) - before - (cpuMs(without.pid) - bare)) / Number(values.seconds);
      const [ours, theirs] = [memoryMib(agent.pid), memoryMib(without.pid)];
      console.log(
        `${values.events} live events, ${pace} changes a second: ${(perSecond / 10).toFixed(2)} % of a core and ` +
          `${(ours.rss - theirs.rss).toFixed(1)} MiB RSS (${(ours.anon - theirs.anon).toFixed(1)} anonymous) more than without`,
      );
    }
    await agent.end();
    await without.end();
  } finally {
    api.kill();
    sink.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Heap used by the counts of live events, with their keys. */
function heldBytes(events: number): number {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const heap = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = heap();
  const tally = new EventTally({ maxSeries: 5000, withComponent: false, handsOver: false, wants: () => true });
  tally.begin(undefined);
  tally.listed();
  for (let index = 0; index < events; index++) {
    const occurrence = { type: 'Normal', namespace: 'ns', kind: 'Pod', reason: 'Pulled', component: '', count: 1 };
    const about = { uid: `0b7c8a52-5d0e-4f0e-9b7e-${index}`, version: index, createdSeconds: undefined };
    tally.upsert(`ns-${index % 50}/app-${index}.18a1f2c3d4e5f607`, about, { ...occurrence, lastSeconds: index });
  }
  const held = heap() - before;
  if (tally.remembered !== events) throw new Error('BUG: events were not remembered');
  return held;
}
