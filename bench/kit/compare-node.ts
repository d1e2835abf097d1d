import { offByDefaultOf } from '../../src/commands/off-by-default.ts';
import { compare, type Round } from '../../src/diff/compare.ts';
import { REPLACED, type Replaced, RULES } from '../../src/diff/known.ts';
import { part, readingOf } from '../../src/diff/reading.ts';
import { reasonsFor } from '../../src/diff/reasons.ts';
import { isSame, judge, reportText } from '../../src/diff/report.ts';
import { sleep } from './processes.ts';

/** Requests within a second share one collection of the agent. */
const PAUSE_MS = 1500;

/** Compares the series of node_exporter with those of the running agent on the same host; exit code 1 if they differ. */
export async function compareNode(theirUrl: string, ourUrl: string): Promise<void> {
  const replaced = REPLACED.find(({ section }) => section === 'node') as Replaced;
  const scrape = async (url: string) =>
    part(readingOf(await (await fetch(url)).text()), (name) => replaced.names.test(name));
  const round = async (): Promise<Round> => ({
    before: await scrape(theirUrl),
    ours: await scrape(ourUrl),
    after: await scrape(theirUrl),
  });
  const rounds = [await round()];
  await sleep(PAUSE_MS);
  rounds.push(await round());
  const judged = judge(compare(rounds, RULES), reasonsFor(replaced, await offByDefaultOf(replaced), rounds));
  console.log(reportText(judged, { replaced, lines: 100, explained: true }));
  if (!isSame(judged)) process.exitCode = 1;
}
