import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Manifest, render, type Values } from '../helm/chart.ts';
import { helmTest } from '../helm/helm-test.ts';
import { startAgentProcess } from '../kit/agent.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable } from '../kit/servers.ts';
import { startVictoriaMetrics } from '../kit/victoria-metrics.ts';

const run = promisify(execFile);

/** Runs the container of `helm test` on this machine, as if its pod were on `node`. */
async function helmTestPod(values: Values, node: string): Promise<{ code: number; printed: string }> {
  const pod = render(values).find(({ metadata }) => metadata.annotations?.['helm.sh/hook'] === 'test');
  const [container] = pod?.spec.containers ?? [];
  const env = Object.fromEntries(container.env.map(({ name, value }: Manifest) => [name, value ?? node]));
  try {
    const { stdout } = await run(process.execPath, container.args, { env, timeout: 120_000 });
    return { code: 0, printed: stdout };
  } catch (cause) {
    const { code, stderr } = cause as { code: number; stderr: string };
    return { code, printed: stderr };
  }
}

helmTest('helm test queries the receiver for the pushes of this release', async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const vm = await startVictoriaMetrics(t, scratchFolder(t));
  startAgentProcess(t, [
    ...['run', '--node', 'n1', '--cluster', 'try', '--vmagent.url', vm.url, '--push.interval', '1s'],
    ...['--http.listen', '127.0.0.1:0', '--set', 'collectors.process.enabled=false'],
  ]);
  await vm.until('up{job="firesteel",instance="n1"}', ([one]) => one !== undefined);
  const values: Values = {
    cluster: { name: 'try' },
    collectors: { ksm: { enabled: false } },
    test: { timeoutSeconds: 10 },
    exporters: { vm: { url: vm.url } },
  };
  assert.deepEqual(await helmTestPod(values, 'n1'), { code: 0, printed: 'the agent of node n1 pushes\n' });
  const other = await helmTestPod(values, 'n2');
  assert.equal(other.code, 1);
  assert.match(
    other.printed,
    /nothing came from the agent of node n2: no up\{job="firesteel",instance="n2",cluster="try"\}/,
  );
});
