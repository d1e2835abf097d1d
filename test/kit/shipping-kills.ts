import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startAgentProcess } from './agent.ts';
import { type Exchange, type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { scratchFolder } from './host-tree.ts';
import { JournalRemote } from './journal-remote.ts';
import { exportEntry, JournalWriter, START_US } from './journal-writer.ts';
import { type Random, randomFrom } from './random.ts';
import { samplesOf } from './samples.ts';
import { type Scripted, scriptedFront } from './scripted-front.ts';
import { until } from './until.ts';

const KILLS = 20;
/** Runs of the agent in which the receiver is down. */
const OUTAGES = [7, 14];
const LONGEST_LIFE_MS = 20_000;
const BOOTS = ['a', 'b'].map((digit) => digit.repeat(32));
/** Uploads of which the receiver has stored nothing. */
const REFUSED: ReadonlySet<number | undefined> = new Set([413, 429, 500]);

/** Faults of an agent that ships a journal to systemd-journal-remote. */
export interface ShippingKills {
  readonly entries: number;
  /** How long the receiver is down, twice, milliseconds. */
  readonly outageMs: number;
  /** Breaks uploads in transit; none if not set. */
  readonly fault?: (random: Random) => ReturnType<FaultProxy['choose']>;
  /** Responds instead of the receiver; all requests are forwarded if not set. */
  readonly answer?: (random: Random) => Scripted;
}

/** The received entries. */
export interface ShippingResult {
  readonly missing: number;
  readonly duplicates: number;
  /** First copies that arrived before an earlier entry of their boot. */
  readonly outOfOrder: number;
  readonly wrongBoot: number;
  /** Permitted copies: uploads without an acknowledgement, and those acknowledged after the saved position at a kill. */
  readonly unacknowledged: number;
  readonly acknowledgedBehindPosition: number;
  readonly outcomes: ReadonlyMap<string, number>;
  readonly metrics: ReadonlyMap<string, number>;
}

/**
 * Writes entries of two boots, ships them with an agent that gets SIGKILL twenty times in the middle of uploads, and
 * compares them with those of systemd-journal-remote.
 */
export async function shipThroughKills(
  context: TestContext,
  { entries: count, outageMs, fault, answer }: ShippingKills,
): Promise<ShippingResult> {
  const folder = scratchFolder(context);
  const [source, target, spool] = [join(folder, 'source'), join(folder, 'target'), join(folder, 'spool')];
  mkdirSync(source);
  mkdirSync(target);
  const random = randomFrom('kills');
  const remote = await JournalRemote.start(context, target);
  const front = answer && (await scriptedFront(context, remote.url, () => answer(random)));
  const proxy = await startFaultProxy(front?.port ?? remote.port, true);
  context.after(() => proxy.close());
  if (fault !== undefined) proxy.choose = () => fault(random);
  const writer = new JournalWriter(context, join(source, 'system.journal'));
  const config = join(folder, 'config.json');
  writeFileSync(
    config,
    JSON.stringify({
      http: { listen: '127.0.0.1:0' },
      collectors: Object.fromEntries(['node', 'container', 'process'].map((name) => [name, { enabled: false }])),
      spool: { path: spool },
      exporters: { remote: { type: 'journald', url: proxy.url } },
      logs: { journal: { enabled: true, paths: [source], start: 'oldest' } },
    }),
  );
  const bootOf = (number: number) => BOOTS[Math.floor((number * BOOTS.length) / count)] ?? '';
  const entriesOf = (from: number, to: number): string => {
    let text = '';
    for (let number = from; number < to; number++) {
      text += exportEntry(number, { _BOOT_ID: bootOf(number), NUMBER: String(number) }, START_US);
    }
    return text;
  };

  let written = 0;
  let unacknowledged = 0;
  let acknowledgedBehindPosition = 0;
  /** Records which entries of uploads may be sent again: those without a response, and those whose position is not saved. */
  const note = (exchanges: readonly Exchange[], saved: number) => {
    for (const exchange of exchanges) {
      const numbers = numbersIn(exchange);
      if (exchange.status === 202) acknowledgedBehindPosition += numbers.filter((number) => number >= saved).length;
      else if (!REFUSED.has(exchange.status)) unacknowledged += numbers.length;
    }
  };
  for (let life = 1; life <= KILLS; life++) {
    const next = Math.round((count * life) / KILLS);
    await writer.write(entriesOf(written, next));
    written = next;
    const hasPassed = Promise.withResolvers<void>();
    // At a random point of this run's uploads, which have about 1.6 MB each.
    const enough = random.below(1_500_000);
    const before = proxy.exchanges.length;
    proxy.onPassed = () => {
      const passed = proxy.exchanges.slice(before).reduce((sum, exchange) => sum + exchange.passed, 0);
      if (passed > enough) hasPassed.resolve();
    };
    const agent = startAgentProcess(context, ['run', '--config', config]);
    await Promise.race([hasPassed.promise, delay(LONGEST_LIFE_MS, undefined, { ref: false })]);
    if (OUTAGES.includes(life)) {
      await proxy.down();
      await remote.stop();
      await delay(outageMs);
      agent.child.kill('SIGKILL');
      await agent.ended;
      await remote.start();
      await proxy.up();
    }
    agent.child.kill('SIGKILL');
    await agent.ended;
    // Responses from now on have no client.
    note(proxy.exchanges.slice(before), savedEntries(join(spool, '.logs', 'remote', 'journal.json')));
  }

  const before = proxy.exchanges.length;
  proxy.onPassed = () => undefined;
  const agent = startAgentProcess(context, ['run', '--config', config]);
  await agent.printed(/"http":"http[^"]+"/);
  const url = /"http":"(http[^"]+)"/.exec(agent.stderr())?.[1] ?? '';
  let metrics: ReadonlyMap<string, number> = new Map();
  await until(
    async () => {
      const page = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(60_000) });
      metrics = samplesOf(await page.text());
      const acked = metrics.get('firesteel_logs_entries_total{exporter="remote",outcome="acked",source="journal"}');
      return acked !== undefined && metrics.get('firesteel_logs_lag_entries{exporter="remote",source="journal"}') === 0;
    },
    () => agent.stderr(),
    240_000,
  );
  note(proxy.exchanges.slice(before), count);
  await remote.stop();

  const last = new Map<string, number>();
  const seen = new Set<number>();
  let outOfOrder = 0;
  let wrongBoot = 0;
  const received = remote.received('NUMBER', '_BOOT_ID');
  for (const [text, boot = ''] of received) {
    const number = Number(text);
    if (boot !== bootOf(number)) wrongBoot++;
    if (seen.has(number)) continue;
    seen.add(number);
    if (number <= (last.get(boot) ?? -1)) outOfOrder++;
    last.set(boot, number);
  }
  const outcomes = new Map<string, number>();
  for (const { status, fault: broken } of proxy.exchanges) {
    const key = `${broken?.kind ?? 'passed'} ${status ?? 'unanswered'}`;
    outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
  }
  return {
    missing: count - seen.size,
    duplicates: received.length - seen.size,
    outOfOrder,
    wrongBoot,
    unacknowledged,
    acknowledgedBehindPosition,
    outcomes,
    metrics,
  };
}

/** The numbers of the entries of an upload. */
const numbersIn = ({ body }: Exchange): number[] =>
  [
    ...Buffer.concat(body)
      .toString('latin1')
      .matchAll(/^NUMBER=(\d+)$/gm),
  ].map(([, number]) => Number(number));

/** How many entries are before the saved position. */
function savedEntries(path: string): number {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return 0;
  }
  const { position } = JSON.parse(text) as { position: string };
  const { files } = JSON.parse(position) as { files: Readonly<Record<string, { index: number }>> };
  return Object.values(files).reduce((sum, { index }) => sum + index, 0);
}
