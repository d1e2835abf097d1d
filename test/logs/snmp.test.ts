import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, closeSync, constants, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadSettings } from '../../src/commands/settings.ts';
import { EntryQueue } from '../../src/logs/entry-queue.ts';
import { trapEntry } from '../../src/logs/snmp/snmp-source.ts';
import { startAgentProcess } from '../kit/agent.ts';
import { freePort } from '../kit/free-port.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { entryOf, readEntries } from '../kit/log-entries.ts';
import { VictoriaLogsStore } from '../kit/log-stores/victorialogs.ts';
import { netSnmp, send, session } from '../kit/snmp-sender.ts';
import { until } from '../kit/until.ts';

/** The current contents of the queue. */
async function all(queue: EntryQueue) {
  const messages: string[] = [];
  for (;;) {
    const batch = await readEntries(queue);
    if (batch === undefined) return messages;
    messages.push(...batch.entries.map(({ message }) => message));
    queue.acknowledged(batch.position);
  }
}

test('a queue keeps entries until they are acknowledged, across restarts and truncated lines', async (context) => {
  const folder = join(scratchFolder(context), 'queue');
  const bytes = Uint8Array.from([1, 255]);
  let queue = await EntryQueue.open(folder, 'snmp', undefined);
  for (let number = 0; number < 10; number++) queue.append(entryOf(number, { fields: new Map([['b', bytes]]) }));
  await queue.close();
  const [name = ''] = readdirSync(folder);
  appendFileSync(join(folder, name), '{"timeUs":1,"mess');
  queue = await EntryQueue.open(folder, 'snmp', undefined);
  const first = await readEntries(queue, { maxEntries: 4 });
  assert.deepEqual(
    first?.entries.map(({ message }) => message),
    ['message 0', 'message 1', 'message 2', 'message 3'],
  );
  assert.deepEqual(first?.entries[0]?.fields.get('b'), bytes);
  assert.equal(first?.isDrained, false);
  queue.append(entryOf(10));
  await queue.close();
  queue = await EntryQueue.open(folder, 'snmp', { position: first?.position ?? '', lost: { queue_full: 3 } });
  assert.deepEqual(await all(queue), [
    'message 4',
    'message 5',
    'message 6',
    'message 7',
    'message 8',
    'message 9',
    'message 10',
  ]);
  assert.equal(queue.lost.queue_full, 3);
  await until(() => readdirSync(folder).length <= 1);
  await queue.close();
});

test('a queue is bounded: the oldest entries are dropped, and counted', async (context) => {
  const folder = join(scratchFolder(context), 'queue');
  const queue = await EntryQueue.open(folder, 'snmp', undefined);
  const message = 'x'.repeat(500_000);
  const count = 200;
  for (let number = 0; number < count; number++) {
    queue.append(entryOf(number, { message }));
    if (number % 20 === 19) await queue.close();
  }
  await queue.close();
  const left = await all(queue);
  assert.ok(left.length > 50 && left.length < count, String(left.length));
  assert.equal(left.length + Number(queue.lost.queue_full), count);
});

test('a file of the queue that the disk opens only after the time limit is closed again', async (context) => {
  const folder = scratchFolder(context);
  // Opening a pipe takes until someone writes to it.
  const pipe = join(folder, '1.jsonl');
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  const queue = await EntryQueue.open(folder, 'snmp', undefined);
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const reading = readEntries(queue);
  context.mock.timers.tick(5000);
  context.mock.timers.reset();
  await assert.rejects(reading, /the disk took more than 5000 ms/);
  /** Whether it is open for reading, or about to be: else ENXIO. */
  const isOpen = () => {
    try {
      closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
      return true;
    } catch {
      return false;
    }
  };
  await until(isOpen);
  await until(() => !isOpen());
});

test('damaged lines are counted and skipped', async (context) => {
  const folder = join(scratchFolder(context), 'queue');
  let queue = await EntryQueue.open(folder, 'snmp', undefined);
  for (let number = 0; number < 3; number++) queue.append(entryOf(number));
  await queue.close();
  const path = join(folder, readdirSync(folder)[0] ?? '');
  writeFileSync(path, readFileSync(path, 'utf8').replace('message 1', 'message 1"'));
  queue = await EntryQueue.open(folder, 'snmp', undefined);
  assert.deepEqual(await all(queue), ['message 0', 'message 2']);
  assert.equal(queue.lost.corrupt, 1);
});

test('shipping of traps requires the collector and a spool', () => {
  const problems = (set: string[]) => {
    try {
      loadSettings({ set }, {});
    } catch (cause) {
      return String(cause);
    }
    return '';
  };
  const received = ['collectors.snmp.enabled=true', 'collectors.snmp.communityFiles=["/c"]'];
  assert.match(problems(['logs.snmp.enabled=true', ...received]), /logs.snmp.enabled: needs spool.path/);
  assert.match(problems(['logs.snmp.enabled=true', 'spool.path=/s']), /set collectors.snmp.enabled as well/);
  assert.equal(problems(['logs.snmp.enabled=true', 'spool.path=/s', ...received]), '');
});

test('the entry of a trap has its varbinds as fields', () => {
  const varbinds = [
    { oid: '1.3.6.1.2.1.2.2.1.1.7', value: '7' },
    { oid: '1.3.6.1.4.1.9', value: Uint8Array.from([1, 255]) },
  ];
  const trap = { version: '2c', oid: '1.3.6.1.6.3.1.1.5.3', uptime: 4711, agentAddress: undefined, varbinds };
  const { message, fields, labels } = trapEntry([trap, '10.0.0.1', 'linkDown', 1e15], { node: 'n1' }, 1);
  assert.equal(message, 'SNMP trap linkDown from 10.0.0.1, 1.3.6.1.2.1.2.2.1.1.7=7, 1.3.6.1.4.1.9=0x01ff');
  assert.equal(fields.get('uptime_seconds'), '47.11');
  assert.equal(fields.get('1.3.6.1.2.1.2.2.1.1.7'), '7');
  assert.deepEqual(labels, { node: 'n1', device: '10.0.0.1' });
});

test('traps reach a store that was down when they arrived, also if the agent is killed in between', async (context) => {
  const store = await new VictoriaLogsStore().start(context);
  const folder = scratchFolder(context);
  writeFileSync(join(folder, 'community'), 'secret-community\n');
  const port = await freePort();
  const config = join(folder, 'config.json');
  writeFileSync(
    config,
    JSON.stringify({
      http: { listen: '127.0.0.1:0' },
      push: { interval: '1s' },
      collectors: {
        ...Object.fromEntries(['node', 'container', 'process'].map((name) => [name, { enabled: false }])),
        snmp: { enabled: true, listen: `127.0.0.1:${port}`, communityFiles: [join(folder, 'community')] },
      },
      spool: { path: join(folder, 'spool') },
      exporters: { store: { type: 'victorialogs', url: store.url } },
      logs: { snmp: { enabled: true }, redact: [{ pattern: 'hunter2' }] },
    }),
  );
  await store.stop();
  let agent = startAgentProcess(context, ['run', '--config', config]);
  const v2 = session(context, port, { version: 1, community: 'secret-community' });
  const value = [{ oid: '1.3.6.1.4.1.9.1', type: netSnmp.ObjectType.OctetString, value: 'password hunter2' }];
  // An inform is acknowledged once the port is open.
  const inform = () => send(v2, '1.3.6.1.4.1.9.9', value, 'inform');
  await until(() =>
    inform().then(
      () => true,
      () => false,
    ),
  );
  for (let sent = 0; sent < 20; sent++) await inform();
  const queue = join(folder, 'spool/.logs/store/snmp-queue');
  const queued = () =>
    readdirSync(queue)
      .map((name) => readFileSync(join(queue, name), 'utf8'))
      .join('');
  await until(
    () => queued().split('\n').length > 21,
    () => agent.stderr(),
  );
  assert.ok(!queued().includes('hunter2') && !queued().includes('secret-community'));
  agent.child.kill('SIGKILL');
  await agent.ended;
  await store.listen();
  agent = startAgentProcess(context, ['run', '--config', config]);
  await until(
    () => store.counts.size >= 21,
    () => agent.stderr(),
    60_000,
  );
  assert.deepEqual(store.violations, []);
  const [first] = store.stored;
  assert.equal(first?.fields.trap_oid, '1.3.6.1.4.1.9.9');
  assert.equal(first?.fields['1.3.6.1.4.1.9.1'], 'password ***');
  assert.equal(first?.fields.device, '127.0.0.1');
  assert.equal(first?.fields.source, 'snmp');
});
