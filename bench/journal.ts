import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collectJournal } from '../src/collectors/log/journal.ts';
import { JournalFeed } from '../src/collectors/log/journal-feed.ts';
import { journalOptions } from '../src/collectors/log/options.ts';
import { LogState } from '../src/collectors/log/state.ts';
import { Snapshot } from '../src/metrics/snapshot.ts';
import { journalEntry, journalWriter } from './kit/journal-maker.ts';
import { cpuMs, memoryMib, sleep, startAgent, startSink } from './kit/processes.ts';

const ENTRIES = 100_000;
const PER_SECOND = 1000;
const SECONDS = 30;
const OFF = ['container', 'process', 'node'].flatMap((group) => ['--set', `collectors.${group}.enabled=false`]);

/** Entries of the real systemd-journal-remote: the cost of one, and an agent at 1,000 a second compared with one without. */
export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-bench-journal-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const writer = journalWriter(join(folder, 'bench.journal'));
  const startUs = Date.now() * 1000;
  for (let from = 0; from < ENTRIES; from += 500) {
    await writer.write(
      Array.from({ length: 500 }, (_, index) => journalEntry(from + index, startUs + from + index)).join(''),
    );
  }
  await writer.end();
  await costOfAnEntry(folder, 'counted by unit, priority and transport', []);
  await costOfAnEntry(folder, 'the same with a rule on each message', [
    { name: 'slow', pattern: 'took (?:9\\d\\d) ms' },
  ]);
  await besideNone(folder);
}

async function costOfAnEntry(folder: string, what: string, rules: object[]): Promise<void> {
  const best = { us: Infinity };
  for (let round = 0; round < 5; round++) {
    const options = { ...journalOptions.parse({ paths: [folder], budget: 1_000_000, rules }), start: 'boot' as const };
    const state = new LogState(undefined);
    const feed = new JournalFeed(options, { state, now: () => 0, bootId: () => undefined });
    const collect = collectJournal(options, feed, state);
    const out = new Snapshot();
    const before = process.cpuUsage();
    await collect(out, AbortSignal.timeout(60_000));
    const { user, system } = process.cpuUsage(before);
    best.us = Math.min(best.us, (user + system) / ENTRIES);
    state.close();
  }
  console.log(`${best.us.toFixed(2)} us of CPU an entry (best of 5), ${what}`);
}

async function besideNone(folder: string): Promise<void> {
  const sink = await startSink();
  const flags = [...OFF, '--log.level', 'error', '--push.interval', '5s', '--http.listen', '127.0.0.1:0'];
  const journal = ['--set', 'collectors.journal.enabled=true', '--set', `collectors.journal.paths=["${folder}"]`];
  const without = await startAgent(sink.url, flags);
  const agent = await startAgent(sink.url, [...flags, ...journal]);
  await sleep(8000);
  const writer = journalWriter(join(folder, 'live.journal'));
  const write = async (seconds: number) => {
    for (let tick = 0; tick < seconds * 10; tick++) {
      const now = Date.now() * 1000;
      await writer.write(
        Array.from({ length: PER_SECOND / 10 }, (_, index) => journalEntry(tick * 100 + index, now + index)).join(''),
      );
      await sleep(100);
    }
  };
  await write(10);
  const before = [cpuMs(without.pid), cpuMs(agent.pid)] as const;
  const started = performance.now();
  await write(SECONDS);
  const wall = performance.now() - started;
  const used = [cpuMs(without.pid) - before[0], cpuMs(agent.pid) - before[1]] as const;
  const percent = ((used[1] - used[0]) / wall) * 100;
  console.log(
    `${percent.toFixed(2)} % of a core more at ${Math.round((PER_SECOND * SECONDS * 1000) / wall)} entries a second`,
  );
  const [less, more] = [memoryMib(without.pid), memoryMib(agent.pid)];
  console.log(
    `RSS ${more.rss.toFixed(1)} MiB, without the journal ${less.rss.toFixed(1)} MiB: ${(more.rss - less.rss).toFixed(1)} MiB more`,
  );
  await writer.end();
  await Promise.all([without.end(), agent.end()]);
  sink.close();
}
