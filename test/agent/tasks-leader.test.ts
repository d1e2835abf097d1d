import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { StateAgents } from '../kit/state-agents.ts';
import { until } from '../kit/until.ts';

test('only the leader of two state agents runs the tasks; the standby continues them when it is gone', {
  timeout: 120_000,
}, async (t) => {
  const asked: number[] = [];
  const server = createServer((_, response) => {
    asked.push(performance.now());
    response.end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const task = JSON.stringify([{ id: 'web', type: 'http', targets: [url], interval: '1s' }]);
  const agents = await StateAgents.start(t, ['--push.interval', '2s', '--set', `tasks=${task}`]);
  const began = performance.now();
  const leader = await agents.add('state-0');
  await agents.pushes('state-0', began);
  const standby = await agents.add('state-1');
  await standby.printed(/another candidate holds the Lease/);
  const skipped = async () =>
    Number(
      /^firesteel_task_skipped_total\{id="web",type="http",reason="standby"\} (\d+)$/m.exec(
        await (await fetch(`${standby.url}/metrics`)).text(),
      )?.[1] ?? 0,
    );
  await until(async () => (await skipped()) >= 3);
  asked.length = 0;
  const from = performance.now();
  await until(() => asked.length >= 5);
  const seconds = (performance.now() - from) / 1000;
  assert.ok(asked.length <= seconds + 2, `${asked.length} runs in ${seconds} s: the standby runs them as well`);
  leader.child.kill('SIGTERM');
  await leader.ended;
  asked.length = 0;
  await until(() => asked.length >= 2);
});
