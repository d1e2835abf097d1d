import type * as z from 'zod';
import { createLog, type Log } from '../../src/base/log.ts';
import { Host } from '../../src/host/host.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { DeniedAddresses } from '../../src/net/denied.ts';
import { Names } from '../../src/net/names.ts';
import type { TaskType, TaskWorld } from '../../src/tasks/task-type.ts';

/** The world of a task on this machine; `changes` replace parts of it. */
export const taskWorld = (changes: Partial<TaskWorld> = {}): TaskWorld => ({
  id: 'test',
  job: 'blackbox-exporter',
  timeoutMs: 5000,
  intervalMs: 30_000,
  pushIntervalMs: 15_000,
  now: Date.now,
  log: createLog('silent') as Log,
  host: new Host({ procfs: '/proc', sysfs: '/sys', rootfs: '/' } as Host['paths']),
  node: 'node-1',
  names: new Names(),
  denied: new DeniedAddresses(['169.254.0.0/16', 'fd00:ec2::254/128']),
  ...changes,
});

/** The samples of one run, by series without job and instance, `name{a="b"}`. */
export type Probed = ReadonlyMap<string, number>;

/** Probes `target` once. Options are as in the configuration. */
export async function probe<Options extends z.ZodObject>(
  type: TaskType<Options>,
  target: string,
  options: Readonly<Record<string, unknown>> = {},
  changes: Partial<TaskWorld> = {},
): Promise<Probed> {
  const run = type.create(taskWorld(changes), type.options.parse({ targets: [target], ...options }));
  const out = new Snapshot();
  await run(out, AbortSignal.timeout(60_000));
  return seriesOf(out);
}

/** The series of a snapshot without job and instance. */
export function seriesOf(out: Snapshot): Probed {
  if (out.errors.length > 0) throw out.errors[0];
  const { keys, values } = out;
  return new Map(keys.map((key, index) => [stripped(key), values[index] ?? Number.NaN]));
}

const stripped = (key: string): string =>
  key
    .replace(/job="[^"]*",instance="(?:[^"\\]|\\.)*",?/, '')
    .replace(/,?\}$/, '}')
    .replace(/\{\}$/, '');

/** The label `reason` of firesteel_probe_up. */
export function reasonOf(probed: Probed): string {
  const found = [...probed.keys()].flatMap((key) => /^firesteel_probe_up\{reason="(\w+)"\}$/.exec(key)?.[1] ?? []);
  return found.join(' ');
}
