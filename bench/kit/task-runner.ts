// Runs tasks as the agent does, without pushing, and reports the figures as JSON.
import { createLog } from '../../src/base/log.ts';
import { Host } from '../../src/host/host.ts';
import { TaskMaker } from '../../src/tasks/make.ts';
import { checkTask } from '../../src/tasks/settings.ts';
import { TaskRunner } from '../../src/tasks/task-runner.ts';

const [count = '', names = '', seconds = '', url = '', conf = '', port = ''] = process.argv.slice(2);
const log = createLog('silent');
const clocks = { now: Date.now, monotonicMs: () => performance.now() };
const runner = new TaskRunner(50, {
  clocks,
  log,
  gate: () => undefined,
  isStandby: () => false,
  onChange: () => undefined,
});
const late: number[] = [];
const healthy: number[] = [];
runner.late = (task, milliseconds) => {
  late.push(milliseconds);
  if (task.id.startsWith('t')) healthy.push(milliseconds);
};
const maker = new TaskMaker({
  cluster: 'c',
  node: 'n',
  host: new Host({ procfs: '/proc', sysfs: '/sys', rootfs: '/', udev: '/run/udev/data', cgroup: '/sys/fs/cgroup' }),
  now: Date.now,
  log,
  pushIntervalMs: 15_000,
  denyAddresses: [],
  allowFromApi: [],
  names: { resolvConfFile: conf, port: Number(port) },
});
for (let index = 0; index < Number(count); index++) {
  const isHanging = index < Number(names);
  const target = isHanging ? `http://name-${index}.example/` : url;
  const input = { id: `${isHanging ? 'n' : 't'}${index}`, type: 'http', targets: [target], interval: '10s' };
  const checked = await checkTask(input, 'file', []);
  if (!('settings' in checked)) throw new Error(JSON.stringify(checked.problems));
  const task = maker.make(checked.settings, runner, false, undefined);
  task.start();
  runner.tasks = [...runner.tasks, task];
}
// The first round is not counted: the slow tasks are not known yet.
await new Promise((resolve) => setTimeout(resolve, 12_000));
late.length = 0;
healthy.length = 0;
const cpu = process.cpuUsage();
await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
const { user, system } = process.cpuUsage(cpu);
const quantile = (values: number[], share: number) =>
  values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
const skipped = runner.tasks.filter(({ id }) => id.startsWith('t')).map(({ record }) => [...record.skipped.values()]);
console.log(
  JSON.stringify({
    cpuPerSecond: (user + system) / 1e6 / Number(seconds),
    rssMb: process.memoryUsage.rss() / 1e6,
    runs: late.length,
    p50: quantile(late, 0.5),
    p99: quantile(late, 0.99),
    healthyP50: quantile(healthy, 0.5),
    healthyP99: quantile(healthy, 0.99),
    healthySkipped: skipped.flat().reduce((sum, one) => sum + one, 0),
  }),
);
process.exit(0);
