import { parseText } from '../../src/metrics/parse-text.ts';

/** Told by one side only, or differently, with the reason. */
const EXCEPTIONS: readonly { readonly series: RegExp; readonly reason: string }[] = [
  { series: /^(go|promhttp|process|firesteel)_/, reason: 'metrics of either program itself' },
  { series: /^node_exporter_build_info/, reason: "the other program's version" },
  { series: /^node_scrape_collector_duration_seconds/, reason: 'how long each took' },
  {
    series:
      /^node_(kernel_hung_tasks_total|memory_Zswap|scrape_collector_success\{collector="(bcachefs|dmmultipath|kernel_hung)")/,
    reason: 'newer than node_exporter 1.9; in 1.12',
  },
  {
    series: /^node_scrape_collector_success\{collector="pressure"/,
    reason: 'node_exporter 1.9 fails without /proc/pressure/irq; the other files are read by both',
  },
  {
    series: /^node_disk_info\{.*rotational="[01]"/,
    reason: 'node_exporter 1.9 gives up on queue attributes that this kernel lacks and says 0; we read the one file',
  },
];

/** Counts that both programs' own reading moves. */
const RESTLESS =
  /^node_(memory_|vmstat_|load|procs_running|sockstat_sockets_used|sockstat_TCP_alloc|sockstat_TCP_inuse|netstat_Tcp_CurrEstab|filefd_allocated|entropy)/;

type Samples = ReadonlyMap<string, number>;

/**
 * Compares what node_exporter tells with what the running agent tells of the same host: a scrape of ours between two of
 * theirs. A value differs when it lies outside of what theirs moved in that time, with a margin.
 */
export async function compareNode(theirUrl: string, ourUrl: string): Promise<void> {
  const scrape = async (url: string) => samplesOf(await (await fetch(url)).text());
  const before = await scrape(theirUrl);
  const ours = await scrape(ourUrl);
  const after = await scrape(theirUrl);
  const lists = {
    'only in node_exporter': [...before.keys()].filter((series) => after.has(series) && !ours.has(series)),
    'only in firesteel': [...ours.keys()].filter((series) => !before.has(series) && !after.has(series)),
    'different values': [...ours]
      .filter(([series, value]) => differs(series, value, before.get(series), after.get(series)))
      .map(([series, value]) => `${series}: ${value}, theirs ${before.get(series)} to ${after.get(series)}`),
  };
  console.log(`compared ${ours.size} series of ours with ${before.size} of theirs`);
  for (const [title, series] of Object.entries(lists)) {
    const unexplained = series.filter((line) => !EXCEPTIONS.some((exception) => exception.series.test(line)));
    console.log(`${title}: ${unexplained.length} (and ${series.length - unexplained.length} listed exceptions)`);
    for (const line of unexplained) console.log(`  ${line}`);
    if (unexplained.length > 0) process.exitCode = 1;
  }
}

function samplesOf(text: string): Samples {
  const samples = new Map<string, number>();
  for (const line of parseText(text)) {
    if (line.kind !== 'sample') continue;
    const labels = line.labels
      .filter(([, value]) => value !== '')
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    samples.set(`${line.name}{${labels.sort().join(',')}}`, line.value);
  }
  return samples;
}

/** Whether `ours` is further from both of theirs than what moves between reads. */
function differs(series: string, ours: number, before: number | undefined, after: number | undefined): boolean {
  if (before === undefined || after === undefined || Object.is(ours, before) || Object.is(ours, after)) return false;
  const restless = RESTLESS.test(series) ? 0.1 * Math.abs(after) + 3 : 0;
  const margin = Math.max(Math.abs(after - before) * 2, restless, Math.abs(after) * 1e-9);
  return Math.min(Math.abs(ours - before), Math.abs(ours - after)) > margin;
}
