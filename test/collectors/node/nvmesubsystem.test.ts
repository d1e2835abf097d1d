import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nvmesubsystem } from '../../../src/collectors/node/nvmesubsystem.ts';
import { collectOnce } from '../../kit/collect.ts';
import { fixturePaths, hostTree } from '../../kit/host-tree.ts';

const SUBSYSTEM = 'subsystem="nvme-subsys0"';

test("node_exporter's recorded subsystem: four paths, three of them live", async () => {
  const { lines, result } = await collectOnce(nvmesubsystem, fixturePaths());
  assert.deepEqual(result.errors, []);
  assert.deepEqual(
    lines.filter((line) => !line.includes('path_state')),
    [
      `node_nvmesubsystem_info{${SUBSYSTEM},nqn="nqn.2014-08.org.nvmexpress:uuid:a34c4f3a-0d6f-5cec-dead-beefcafebabe",model="Dell PowerStore",serial="SN12345678",iopolicy="round-robin"} 1`,
      `node_nvmesubsystem_namespace_info{${SUBSYSTEM},device="nvme0n1"} 1`,
      `node_nvmesubsystem_paths_live{${SUBSYSTEM}} 3`,
      `node_nvmesubsystem_paths{${SUBSYSTEM}} 4`,
    ],
  );
  const current = lines.filter((line) => line.includes('path_state') && line.endsWith(' 1'));
  assert.deepEqual(
    current.map((line) => /controller="(\w+)",transport="fc",state="(\w+)"/.exec(line)?.slice(1)),
    [
      ['nvme0', 'live'],
      ['nvme1', 'live'],
      ['nvme2', 'live'],
      ['nvme3', 'dead'],
    ],
  );
  assert.equal(lines.length, 4 + 4 * 7);
});

const FOLDER = 'sys/class/nvme-subsystem/nvme-subsys0';

test('states of several words, and unknown ones; a kernel without multipath', async (context) => {
  const { lines, result } = await collectOnce(
    nvmesubsystem,
    hostTree(context, {
      [`${FOLDER}/subsysnqn`]: 'nqn\n',
      [`${FOLDER}/nvme0/state`]: 'deleting (no IO)\n',
      [`${FOLDER}/nvme1/state`]: 'dreaming\n',
      'sys/class/nvme-subsystem/other/state': 'x',
    }),
  );
  assert.deepEqual(result.errors, []);
  const current = lines.filter((line) => line.endsWith(' 1'));
  assert.deepEqual(current, [
    `node_nvmesubsystem_info{${SUBSYSTEM},nqn="nqn",model="",serial="",iopolicy=""} 1`,
    `node_nvmesubsystem_path_state{${SUBSYSTEM},controller="nvme0",transport="",state="deleting"} 1`,
    `node_nvmesubsystem_path_state{${SUBSYSTEM},controller="nvme1",transport="",state="unknown"} 1`,
  ]);
  assert.ok(lines.includes(`node_nvmesubsystem_paths_live{${SUBSYSTEM}} 0`));
});

test('a path whose state is missing loses only that path, and no count is invented', async (context) => {
  const { lines, result } = await collectOnce(
    nvmesubsystem,
    hostTree(context, { [`${FOLDER}/nvme0/state`]: 'live\n', [`${FOLDER}/nvme1/transport`]: 'tcp\n' }),
  );
  assert.match(result.errors.map(String).join(), /nvme1: .*state does not exist/);
  assert.ok(lines.includes(`node_nvmesubsystem_paths{${SUBSYSTEM}} 2`));
  assert.equal(lines.filter((line) => line.includes('paths_live')).length, 0);
  assert.equal(lines.filter((line) => line.includes('controller="nvme0"')).length, 7);
});

test('without NVMe there is no data', async (context) => {
  const { result } = await collectOnce(nvmesubsystem, hostTree(context, { 'sys/class/x': '' }));
  assert.equal(result.outcome, 'nodata');
});
