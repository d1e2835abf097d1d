// Lines of log files, counted by rules.

import { sleep } from '../../base/clock.ts';
import { errorText } from '../../base/error-text.ts';
import { Turns } from '../../base/turns.ts';
import { CHUNK_BYTES } from '../../host/tail/line-reader.ts';
import type { FileState } from '../../host/tail/tailed-file.ts';
import type { Collect, World } from '../collector.ts';
import { CONTAINER_ORIGIN, ContainerLogs, containerCounters, type PodSource } from './container-logs.ts';
import { containerLogFiles, containerLogLagBytes, logLagBytes } from './families.ts';
import { lineMetric } from './line-metrics.ts';
import { fileCounters, LogFiles } from './log-files.ts';
import type { LogOptions } from './options.ts';
import { Remembered } from './remembered.ts';
import type { LogState } from './state.ts';

/** Maximum number of different errors that are kept for a cycle. */
const MAX_FAILURES = 20;

/** The saved state of files, by the names of their entries. */
interface SavedFiles {
  readonly files?: Readonly<Record<string, readonly FileState[]>>;
  readonly containers?: ReturnType<ContainerLogs['dump']>;
  readonly metrics?: Readonly<Record<string, unknown>>;
}

/**
 * The collector `log`. Files are read every `poll` between the cycles, so that little is lost when one is truncated.
 * `pods` is required for container logs.
 */
export function collectLog(options: LogOptions, { now }: World, state: LogState, pods?: PodSource): Collect {
  const { files, containers: ofContainers, budget, poll, closeAfter } = options;
  const counters = fileCounters();
  const metrics = new Map(files.flatMap(({ rules }) => rules).map((rule) => [rule.metric, lineMetric(rule)]));
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  const followed = files.map((one) => new LogFiles(one, metrics, counters, chunk));
  const containerCounts = containerCounters();
  if (ofContainers.enabled) {
    for (const rule of ofContainers.rules) metrics.set(rule.metric, lineMetric(rule, CONTAINER_ORIGIN));
  }
  const containers =
    ofContainers.enabled && pods !== undefined
      ? new ContainerLogs(ofContainers, pods, metrics, containerCounts, chunk)
      : undefined;
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  /**
   * Losses of reads between the cycles, reported in the next one: reads happen every `poll`, and losses of one kind
   * count once.
   */
  const failures = new Map<string, unknown>();

  let hasBegun = false;
  const stop = () => {
    stopping.abort();
    for (const { set } of followed) set?.close();
    containers?.close();
  };

  const remembered = new Remembered(
    state,
    'log counts',
    { ...counters, ...(containers && containerCounts) },
    {
      release: stop,
      dump: () => ({
        files: Object.fromEntries(followed.map(({ name, set }) => [name, set?.dump()])),
        containers: containers?.dump(),
        metrics: Object.fromEntries([...metrics].map(([name, metric]) => [name, metric.dump()])),
      }),
      restore: (saved) => {
        const before = saved as SavedFiles;
        for (const one of followed) one.begin(before.files?.[one.name], closeAfter);
        containers?.begin(before.containers, closeAfter);
        hasBegun = true;
        return [...metrics].flatMap(([name, metric]) => metric.restore(before.metrics?.[name]));
      },
    },
  );

  const readAll = async (signal: AbortSignal): Promise<void> => {
    const turns = new Turns(signal);
    let left = budget;
    for (const one of followed) left -= await one.read(now(), Math.max(left, 0), turns);
    await containers?.read(now(), Math.max(left, 0), turns);
  };
  const readOnce = (signal: AbortSignal): Promise<void> => {
    running ??= readAll(signal).finally(() => {
      running = undefined;
    });
    return running;
  };
  const noteFailure = (cause: unknown): void => {
    if (failures.size < MAX_FAILURES) failures.set(errorText(cause), cause);
  };
  const keepReading = async (): Promise<void> => {
    const { signal } = stopping;
    while (!signal.aborted) {
      await sleep(poll, signal, { ref: false });
      if (!signal.aborted) await readOnce(signal).catch(noteFailure);
    }
  };

  const begin = async (): Promise<void> => {
    await remembered.prepare();
    if (!hasBegun) {
      for (const one of followed) one.begin(undefined, closeAfter);
      containers?.begin(undefined, closeAfter);
    }
    state.onClose(stop);
    void keepReading();
  };
  let begun: Promise<void> | undefined;

  return async (out, signal) => {
    begun ??= begin();
    await begun;
    await readOnce(signal);
    for (const cause of failures.values()) out.lose('log files between two cycles', cause);
    failures.clear();
    for (const { problems } of [...followed, ...(containers ? [containers] : [])]) {
      for (const [path, cause] of problems) out.lose(path, cause);
      problems.clear();
    }
    await remembered.emit(out);
    for (const metric of metrics.values()) metric.emit(out);
    for (const { name, set } of followed) out.add(logLagBytes, set?.lagBytes ?? 0, name);
    if (containers === undefined) return;
    out.add(containerLogFiles, containers.files);
    out.add(containerLogLagBytes, containers.lagBytes);
    containers.endVanished();
  };
}
