import { parseArgs } from 'node:util';
import { compareNode } from './kit/compare-node.ts';
import { answers, cpuMs, memoryMib, sleep, startAgent, startProgram, startSink } from './kit/processes.ts';

const THEIR_URL = 'http://127.0.0.1:19100/metrics';
const OUR_LISTEN = '127.0.0.1:19750';
const OUR_URL = `http://${OUR_LISTEN}/metrics`;
const WARM_UP = 30;

/** Upstream's defaults where those of Debian's package differ. */
const EXPORTER_FLAGS = [
  '--web.listen-address=127.0.0.1:19100',
  '--no-collector.systemd',
  '--collector.textfile.directory=',
  '--collector.filesystem.mount-points-exclude=^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)',
];

/** Only the node collectors, as in node_exporter. */
const OUR_FLAGS = [
  ...['--log.level', 'error'],
  ...['container', 'process'].flatMap((group) => ['--set', `collectors.${group}.enabled=false`]),
];

/**
 * The agent with its node collectors in parallel with the real node_exporter (on PATH as prometheus-node-exporter), all once
 * a second: an agent that is scraped like node_exporter, so that both do the same work, and one that pushes, as in practice.
 * `--compare` also compares the exposed series.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { compare: { type: 'boolean' }, cycles: { type: 'string', default: '60' } },
  });
  const cycles = Number(values.cycles);
  console.log(`${cycles} scrapes and pushes, one a second, after ${WARM_UP} to warm up`);
  const sink = await startSink();
  const exporter = await startProgram('prometheus-node-exporter', EXPORTER_FLAGS, THEIR_URL);
  const scraped = await startAgent(undefined, [...OUR_FLAGS, '--push.interval', '1h', '--http.listen', OUR_LISTEN]);
  const pushing = await startAgent(sink.url, [...OUR_FLAGS, '--push.interval', '1s', '--http.listen', '127.0.0.1:0']);
  const all = { node_exporter: exporter, 'firesteel scraped': scraped, 'firesteel pushing': pushing };
  try {
    await answers(OUR_URL);
    await scrapeEachSecond(WARM_UP);
    const before = Object.values(all).map(({ pid }) => cpuMs(pid));
    const bytes = sink.bytes;
    const wall = await scrapeEachSecond(cycles);
    for (const [index, [name, { pid }]] of Object.entries(all).entries()) {
      const cpu = (cpuMs(pid) - (before[index] as number)) / cycles;
      const { rss, anon } = memoryMib(pid);
      console.log(
        `${name.padEnd(18)} ${cpu.toFixed(1).padStart(6)} ms CPU each   RSS ${rss.toFixed(1)} MiB   RssAnon ${anon.toFixed(1)} MiB`,
      );
    }
    console.log(
      `a scrape takes ${wall.theirs.toFixed(1)} ms with node_exporter and ${wall.ours.toFixed(1)} ms with firesteel`,
    );
    console.log(`a push has ${Math.round((sink.bytes - bytes) / cycles)} bytes`);
    if (values.compare) await compareNode(THEIR_URL, OUR_URL);
  } finally {
    await Promise.all(Object.values(all).map((program) => program.end()));
    sink.close();
  }
}

/** Scrapes both once a second; returns the mean duration of a scrape of each in ms. */
async function scrapeEachSecond(times: number): Promise<{ theirs: number; ours: number }> {
  const spent = { theirs: 0, ours: 0 };
  for (let time = 0; time < times; time++) {
    const started = performance.now();
    await (await fetch(THEIR_URL)).text();
    const between = performance.now();
    await (await fetch(OUR_URL)).text();
    spent.theirs += between - started;
    spent.ours += performance.now() - between;
    // Longer than the second within which readers share one collection of the agent.
    await sleep(1010 - (performance.now() - started));
  }
  return { theirs: spent.theirs / times, ours: spent.ours / times };
}
