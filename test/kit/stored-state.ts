import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { scratchFolder } from './host-tree.ts';
import { startVictoriaMetrics, type VictoriaMetrics } from './victoria-metrics.ts';

/** A real VictoriaMetrics, and the flags with which agents push to it as well. */
export async function storage(t: TestContext): Promise<{ vm: VictoriaMetrics; flags: string[] }> {
  const vm = await startVictoriaMetrics(t, scratchFolder(t));
  return { vm, flags: ['--set', `exporters.vm=${JSON.stringify({ type: 'vmagent', url: vm.url })}`] };
}

/** The largest gap of each series of kube_pod_info in VictoriaMetrics, milliseconds. */
export async function storedGap(vm: VictoriaMetrics): Promise<number> {
  const gaps = (await vm.export('kube_pod_info')).map(({ timestamps }) =>
    Math.max(...timestamps.slice(1).map((at, index) => at - (timestamps[index] as number))),
  );
  return Math.max(...gaps);
}

/**
 * Waits until the series of a pod that was removed have ended in VictoriaMetrics. From `since` on, a time of this process's
 * monotonic clock, no agent may have pushed it.
 */
export async function ends(vm: VictoriaMetrics, pod: string, since: number): Promise<void> {
  const match = `{__name__=~"kube_pod_.+",pod="${pod}"}`;
  await vm.until(`count(${match}) or vector(0)`, ([count]) => count?.value === 0);
  const sinceMs = Date.now() - (performance.now() - since);
  const series = await vm.export(match);
  assert.ok(series.length > 5, `${series.length} series`);
  for (const { metric, timestamps, values } of series) {
    const late = timestamps.filter((at, index) => at > sinceMs && values[index] !== null);
    assert.deepEqual(late, [], `${JSON.stringify(metric)} after ${sinceMs}`);
  }
}
