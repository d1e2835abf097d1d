import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** The report of one run of the child process. */
interface Measured {
  readonly cpuPerSecond: number;
  readonly rssMb: number;
  readonly runs: number;
  readonly p50: number;
  readonly p99: number;
  readonly healthyP50: number;
  readonly healthyP99: number;
  readonly healthySkipped: number;
}

/** Measures 1,000 tasks of 10 s: CPU, memory, the start delay of runs; then with a name server that never responds. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      tasks: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '40' },
      silent: { type: 'string', default: '300' },
    },
  });
  const server = createServer((_, response) => response.end('ok'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const silent = createSocket('udp4');
  await new Promise<void>((resolve) => silent.bind(0, '127.0.0.1', resolve));
  const conf = join(tmpdir(), `firesteel-bench-${process.pid}.conf`);
  writeFileSync(conf, 'nameserver 127.0.0.1\n');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const measure = async (names: string): Promise<Measured> => {
    const flags = [values.tasks, names, values.seconds, url, conf, String(silent.address().port)];
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        '--max-semi-space-size=1',
        join(import.meta.dirname, 'kit/task-runner.ts'),
        ...flags,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let text = '';
    for await (const chunk of child.stdout) text += String(chunk);
    return JSON.parse(text) as Measured;
  };
  for (const names of ['0', values.silent]) {
    const { cpuPerSecond, rssMb, runs, p50, p99, healthyP50, healthyP99, healthySkipped } = await measure(names);
    console.log(
      `${values.tasks} tasks of 10 s, ${names} of them with a name that no server resolves, ${values.seconds} s`,
    );
    console.log(`  CPU ${(cpuPerSecond * 1000).toFixed(0)} ms/s, RSS ${rssMb.toFixed(0)} MB, ${runs} runs`);
    console.log(`  start delay: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);
    console.log(
      `  tasks without names:   p50 ${healthyP50.toFixed(1)} ms, p99 ${healthyP99.toFixed(1)} ms, ${healthySkipped} skipped`,
    );
  }
  server.closeAllConnections();
  server.close();
  silent.close();
}
