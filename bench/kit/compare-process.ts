import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseText } from '../../src/metrics/text/parse.ts';
import { MIXED_NAMES, type MixedCrowd, processCount, startMixedCrowd } from './crowd.ts';
import { answers, cpuMs, memoryMib, sleep, startAgent, startProgram, startSink } from './processes.ts';

const THEIRS = 'http://127.0.0.1:19256/metrics';
const OURS = 'http://127.0.0.1:19257/metrics';

/** Families that only one side exposes, or exposes differently, with the reason. */
const EXCEPTIONS: readonly { readonly series: RegExp; readonly reason: string }[] = [
  { series: /^namedprocess_namegroup_states\{.*threads-/, reason: 'theirs counts the main thread of many twice' },
  { series: /^namedprocess_namegroup_states\{.*(burner|writer|bred|leaver)/, reason: 'a moment' },
  { series: /(oldest_start.*role:leaver|role:leaver.*proportional)/, reason: 'theirs has year 1 and 0 for no process' },
  { series: /^namedprocess_namegroup_threads_wchan/, reason: 'a moment; theirs counts the main thread of many twice' },
  { series: /_(youngest_start_time|uptime)_seconds|_filedesc_limit/, reason: 'only ours' },
  { series: /^namedprocess_scrape_/, reason: 'about the scrape itself' },
];

/**
 * The groups of parents and their children, compared as one: process-exporter leaves a process that it saw between fork and
 * exec in the group of its parent, Firesteel moves it when its comm changes.
 */
const BRED = /groupname="(?:role:breeder|brief of \w+|sleep of \w+)"/;

/** The agent returns the same response to requests within a second. */
const PAUSE_MS = 1250;

type Samples = ReadonlyMap<string, number>;

/** Theirs before, ours, theirs after, within some tens of milliseconds. */
interface Moment {
  readonly before: Samples;
  readonly ours: Samples;
  readonly after: Samples;
}

/**
 * Compares what process-exporter and the agent expose, with the same file of groups, for about 300 processes that work, fork
 * and exit: current gauges, and the growth of counters over `seconds`, during which both are scraped every 1.25 s.
 */
export async function compareProcess(seconds: number): Promise<void> {
  const crowd = await startMixedCrowd();
  try {
    await compareOn(crowd, seconds);
  } finally {
    crowd.end();
  }
}

async function compareOn(crowd: MixedCrowd, seconds: number): Promise<void> {
  const names = join(crowd.folder, 'names.yml');
  const config = join(crowd.folder, 'firesteel.yaml');
  writeFileSync(names, MIXED_NAMES);
  writeFileSync(
    config,
    JSON.stringify({
      push: { interval: '1h' },
      http: { listen: new URL(OURS).host },
      collectors: {
        node: { enabled: false },
        process: {
          configFile: names,
          threads: true,
          wchan: true,
          smaps: true,
          smapsPerCycle: 1000,
          slowInterval: '0s',
        },
      },
    }),
  );
  const exporter = await startProgram(
    'prometheus-process-exporter',
    [`-web.listen-address=${new URL(THEIRS).host}`, `-config.path=${names}`],
    new URL('/', THEIRS).href,
  );
  const sink = await startSink();
  const agent = await startAgent(sink.url, ['--config', config, '--log.level', 'error']);
  try {
    await answers(new URL('/readyz', OURS).href);
    console.log(`${processCount()} processes on this host; comparing over ${seconds} s`);
    await sleep(PAUSE_MS);
    const cpu = { theirs: cpuMs(exporter.pid), ours: cpuMs(agent.pid) };
    const start = await moment();
    const rounds = Math.ceil((seconds * 1000) / PAUSE_MS);
    for (let round = 0; round < rounds; round++) {
      await sleep(PAUSE_MS);
      if (round === rounds >> 1) crowd.dismissLeavers();
      if (round < rounds - 1) await Promise.all([scrape(THEIRS), scrape(OURS)]);
    }
    const end = await moment();
    compare(start, end);
    for (const [name, pid, before] of [
      ['process-exporter', exporter.pid, cpu.theirs],
      ['firesteel', agent.pid, cpu.ours],
    ] as const) {
      const { rss, anon } = memoryMib(pid);
      const used = (cpuMs(pid) - before) / (name === 'firesteel' ? rounds + 1 : rounds + 3);
      console.log(
        `${name.padEnd(17)} ${used.toFixed(1)} ms CPU a cycle, threads and smaps on   RSS ${rss.toFixed(1)} MiB   ` +
          `RssAnon ${anon.toFixed(1)} MiB`,
      );
    }
  } finally {
    await Promise.all([exporter.end(), agent.end()]);
    sink.close();
  }
}

async function moment(): Promise<Moment> {
  return { before: await scrape(THEIRS), ours: await scrape(OURS), after: await scrape(THEIRS) };
}

/**
 * How far our value may be outside of the range of theirs during the read, as shares. In groups that fork, a fifth of the
 * processes starts or exits between two reads; in the group that exits completely, both sides miss what happened after
 * their last read. Values counted in ticks may differ by 0.05 s more.
 */
const margins = {
  steady: { counter: 0.02, gauge: 0.02 },
  breeding: { counter: 0.1, gauge: 0.3 },
  leaving: { counter: 0.3, gauge: 0 },
} as const;

function compare(start: Moment, end: Moment): void {
  const theirs = [...end.before.keys()].filter((series) => end.after.has(series));
  const differing = [...end.ours].flatMap(([series, value]) => {
    const at = (samples: Samples) => samples.get(series);
    if (at(end.before) === undefined || at(end.after) === undefined) return [];
    const isCounter = /_total\{/.test(series);
    const range = isCounter
      ? growthRange(at(start.before), at(start.after), at(end.before), at(end.after))
      : [at(end.before) ?? 0, at(end.after) ?? 0];
    const ours = isCounter ? value - (at(start.ours) ?? 0) : value;
    const isBreeding = series.includes('groupname="bred"');
    const kind = isBreeding ? 'breeding' : series.includes('leaver') ? 'leaving' : 'steady';
    const margin = margins[kind][isCounter ? 'counter' : 'gauge'];
    const slack = Math.max(...range.map(Math.abs)) * margin + 0.05;
    return ours >= Math.min(...range) - slack && ours <= Math.max(...range) + slack
      ? []
      : [`${series}: ${ours}, theirs ${range.join(' to ')}`];
  });
  const lists = {
    'only in process-exporter': theirs.filter((series) => !end.ours.has(series)),
    'only in firesteel': [...end.ours.keys()].filter((series) => !end.before.has(series) && !end.after.has(series)),
    'different values': differing,
  };
  console.log(`compared ${end.ours.size} series of ours with ${end.before.size} of theirs`);
  for (const [title, series] of Object.entries(lists)) {
    const unexplained = series.filter((line) => !EXCEPTIONS.some((exception) => exception.series.test(line)));
    console.log(`${title}: ${unexplained.length} (and ${series.length - unexplained.length} listed exceptions)`);
    for (const line of unexplained) console.log(`  ${line}`);
    if (unexplained.length > 0) process.exitCode = 1;
  }
}

/** The bounds of a counter's growth, if our reads began and ended between two of theirs. */
const growthRange = (startBefore = 0, startAfter = 0, endBefore = 0, endAfter = 0): number[] => [
  endBefore - startAfter,
  endAfter - startBefore,
];

async function scrape(url: string): Promise<Samples> {
  const samples = new Map<string, number>();
  for (const line of parseText(await (await fetch(url)).text())) {
    if (line.kind !== 'sample' || !line.name.startsWith('namedprocess_')) continue;
    const labels = line.labels.map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    const series = `${line.name}{${labels.sort().join(',')}}`.replace(BRED, 'groupname="bred"');
    samples.set(series, (samples.get(series) ?? 0) + line.value);
  }
  return samples;
}
