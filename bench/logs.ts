import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collectLog } from '../src/collectors/log/log.ts';
import { logOptions } from '../src/collectors/log/options.ts';
import { LogState } from '../src/collectors/log/state.ts';
import { Host } from '../src/host/host.ts';
import { DEFAULT_PATHS } from '../src/host/paths.ts';
import { Snapshot } from '../src/metrics/snapshot.ts';

const LINES = 1_000_000;
const ROUNDS = 4;

/** Lines of a web server; one in a thousand is an error. */
const line = (number: number): string =>
  `10.0.${number % 256}.1 - - [29/Nov/2026:10:00:00 +0000] "GET /page/${number} HTTP/1.1" ${number % 1000 === 0 ? 503 : 200} 1234 "-" "curl/8.0" rt=0.${number % 1000}\n`;

const CASES: Readonly<Record<string, readonly object[]>> = {
  'no rule': [],
  'two rules that match one line in a thousand': [
    { metric: 'errors_total', pattern: '" 503 ' },
    { metric: 'gateway_total', pattern: '" 502 |upstream timed out' },
  ],
  'two rules on every line': [
    { metric: 'requests_total', pattern: 'HTTP/1' },
    { metric: 'curl_total', pattern: '"curl/' },
  ],
  'two rules with groups on every line': [
    { metric: 'status_total', pattern: '" (?P<status>\\d)\\d\\d ', labels: ['status'] },
    { metric: 'seconds', type: 'histogram', pattern: 'rt=(?P<v>[\\d.]+)$', value: 'v' },
  ],
};

/** A million lines of about 110 bytes: lines per second of CPU. */
export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-bench-logs-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'app.log');
  writeFileSync(path, Array.from({ length: LINES }, (_, index) => line(index)).join(''));
  for (const [what, rules] of Object.entries(CASES)) {
    let best = Infinity;
    for (let round = 0; round < ROUNDS; round++) best = Math.min(best, await once(path, rules));
    console.log(`${((LINES / best) * 1e6).toFixed(0).padStart(9)} lines a second of CPU: ${what}`);
  }
}

/** CPU microseconds of one pass. */
async function once(path: string, rules: readonly object[]): Promise<number> {
  const options = logOptions.parse({
    files: [{ paths: [path], start: 'beginning', rules }],
    budget: '1GiB',
    poll: '60s',
  });
  const state = new LogState(undefined);
  const collect = collectLog(options, { host: new Host(DEFAULT_PATHS), now: Date.now }, state);
  const before = process.cpuUsage();
  await collect(new Snapshot(), AbortSignal.timeout(300_000));
  const { user, system } = process.cpuUsage(before);
  state.close();
  return user + system;
}
