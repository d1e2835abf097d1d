import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelledTasks } from '../../src/tasks/labelled-tasks.ts';
import { checkTask, type TaskSettings } from '../../src/tasks/settings.ts';

async function settingsOf(input: object): Promise<TaskSettings> {
  const checked = await checkTask(input, 'file', []);
  assert.ok('settings' in checked, JSON.stringify(checked));
  return checked.settings;
}

const labelled = async (...inputs: object[]): Promise<string[]> => {
  const tasks = await Promise.all(inputs.map(settingsOf));
  return [...labelledTasks(tasks, new Set(['diskstats']))].map(({ common }) => common.id);
};

const dns = { id: 'dns', type: 'dns', targets: ['10.0.0.1'], dns: { name: 'example.test' } };
const ping = { id: 'ping', type: 'ping', targets: ['10.0.0.2', '10.0.0.1'] };

test('of probes with a common target, all but the first get the label task', async () => {
  assert.deepEqual(await labelled(dns, ping), ['ping']);
  assert.deepEqual(await labelled(dns, ping, { ...dns, id: 'more' }), ['ping', 'more']);
  assert.deepEqual(await labelled(dns, { ...ping, targets: ['10.0.0.2'] }), []);
});

test('probes that differ in job or labels do not need it', async () => {
  assert.deepEqual(await labelled(dns, { ...ping, job: 'pings' }), []);
  assert.deepEqual(await labelled(dns, { ...ping, labels: { by: 'ping' } }), []);
  assert.deepEqual(await labelled({ ...dns, labels: { a: '1', b: '2' } }, { ...ping, labels: { b: '2', a: '1' } }), [
    'ping',
  ]);
});

test('a node collector that runs twice gets it, one that runs once does not', async () => {
  assert.deepEqual(await labelled({ id: 'disks', type: 'node.diskstats' }), ['disks']);
  assert.deepEqual(await labelled({ id: 'load', type: 'node.loadavg' }), []);
});
