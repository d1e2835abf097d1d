import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fixturePaths } from '../kit/host-tree.ts';
import { startLocalAgent } from '../kit/local-agent.ts';

const RUN = '/v1/tasks/{id}/run';

const config = (more: object) => (folder: string) => {
  const script = join(folder, 'hello.sh');
  writeFileSync(script, '#!/bin/sh\n[ "$1" = slow=yes ] && sleep 600\necho "greetings{who=\\"$1\\"} 1"\n');
  chmodSync(script, 0o755);
  return {
    push: { interval: '1s' },
    node: 'n1',
    http: { listen: '127.0.0.1:0', controlTokenFile: join(folder, 'token') },
    paths: fixturePaths(),
    collectors: { container: { enabled: false }, process: { enabled: false }, node: { include: ['loadavg'] } },
    tasks: [{ id: 'hello', type: 'exec', command: [script], interval: '0s', params: { allow: '^[a-z]*$' } }],
    ...more,
  };
};

test('an exec task is run on demand with parameters, and its series are pushed', async (t) => {
  const agent = await startLocalAgent(t, config({}));
  const run = (body: object) => agent.send('POST', RUN, { id: 'hello', body });
  const good = await run({ params: { who: 'world' } });
  assert.equal(good.status, 200, good.text);
  const { run: ran } = good.body as { run: { result: string; output: string; series: number } };
  assert.equal(ran.result, 'ok');
  assert.match(ran.output, /greetings\{who="who=world"\} 1/);
  assert.equal(ran.series, 4);
  const deadline = AbortSignal.timeout(60_000);
  while (!/^greetings\{who="who=world",script="hello"\} 1$/m.test((await agent.get('/metrics')).text)) {
    if (deadline.aborted) throw new Error('its series did not arrive');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const bad = await run({ params: { who: 'world; reboot' } });
  assert.equal(bad.status, 400);
  assert.match(bad.text, /parameter who does not match/);
  const first = run({ params: { slow: 'yes' }, timeout: '5s' });
  const late = AbortSignal.timeout(60_000);
  while (!/"state":"running"/.test((await agent.get('/v1/tasks')).text)) {
    late.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal((await run({})).status, 409);
  const slow = (await first).body as { run: { result: string } };
  assert.equal(slow.run.result, 'timeout');
});

test('an exec task cannot be created through the API, unless the configuration allows it', async (t) => {
  const task = { id: 'mine', type: 'exec', command: ['/bin/true'], interval: '0s' };
  const post = async (more: object) =>
    (await startLocalAgent(t, config(more))).send('POST', '/v1/tasks', { body: { tasks: [task] } });
  const refused = await post({});
  assert.equal(refused.status, 403, refused.text);
  assert.match(refused.text, /exec is accepted through the API only if taskRunner.allowFromApi names it/);
  assert.equal((await post({ taskRunner: { allowFromApi: ['exec'] } })).status, 201);
});
