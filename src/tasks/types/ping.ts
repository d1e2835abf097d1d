import * as z from 'zod';
import { monotonicMs, secondsSince, sleep } from '../../base/clock.ts';
import { dropFirstAdded } from '../../base/first-added.ts';
import { counter, type Family, family, gauge } from '../../metrics/family.ts';
import { NoData } from '../../metrics/outcome.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { labelBlock } from '../../metrics/text/format.ts';
import type { Address } from '../../net/literal-address.ts';
import { ProbeFailure, ProbeImpossible } from '../probe/failure.ts';
import { COMMON_FAMILIES, IDENTITY, probeGauge } from '../probe/families.ts';
import { hostTarget } from '../probe/host-port.ts';
import { probeOptions } from '../probe/options.ts';
import { type EchoReply, pingerOf } from '../probe/pinger.ts';
import { type Attempt, type Probing, type Put, probeTargets, probeTimeoutMs, resolvedAddress } from '../probe/probe.ts';
import { defineTaskType, type TaskWorld } from '../task-type.ts';

/** Source: blackbox_exporter 0.28, prober/icmp.go. */
const ICMP = {
  duration: probeGauge('probe_icmp_duration_seconds', 'Duration of icmp request by phase', ['phase']),
  hopLimit: probeGauge('probe_icmp_reply_hop_limit', 'Replied packet hop limit (TTL for ipv4)'),
} as const;

const ECHO_LABELS = [...IDENTITY, 'ip', 'host', 'source', 'tos'];

/** Source: smokeping_prober, for intervals below that of the push. */
const SMOKEPING = {
  requests: counter('smokeping_requests_total', 'Number of ping requests sent', ECHO_LABELS),
  seconds: family(
    'histogram',
    'smokeping_response_duration_seconds',
    'A histogram of latencies for ping responses.',
    ECHO_LABELS,
  ),
  ttl: gauge('smokeping_response_ttl', 'The last response Time To Live (TTL).', ECHO_LABELS),
  duplicates: counter('smokeping_response_duplicates_total', 'The number of duplicated response packets.', ECHO_LABELS),
  sendErrors: counter('smokeping_send_errors_total', 'The number of errors when sending a request.', ECHO_LABELS),
} as const;

/** The buckets of smokeping_prober: 50 µs, doubled 19 times. */
const BUCKETS = Array.from({ length: 20 }, (_, index) => 5e-5 * 2 ** index);

const options = z.strictObject({
  ...probeOptions(hostTarget),
  ping: z
    .strictObject({
      count: z
        .int()
        .min(1)
        .max(100)
        .default(1)
        .describe('Echoes in one run, one after the other; a reply to any is a success.'),
      size: z.int().min(0).max(65_000).default(56).describe('Bytes of payload of an echo.'),
      ttl: z.int().min(1).max(255).default(64).describe('Hops after which an echo is dropped.'),
      tos: z.int().min(0).max(255).default(0).describe('Type of service or traffic class.'),
      dontFragment: z.boolean().default(false).describe('Whether routers must not fragment an echo.'),
      pause: z.int().min(0).max(10_000).default(200).describe('Milliseconds between the echoes of a run.'),
      series: z
        .enum(['auto', 'last', 'all'])
        .default('auto')
        .describe(
          'last: one gauge; all: counters and a histogram of all echoes; auto: all if interval is below that of the push.',
        ),
    })
    .prefault({}),
});
type PingOptions = z.output<typeof options>['ping'];

/** All echoes to one address since the task was loaded. */
class EchoCounts {
  requests = 0;
  duplicates = 0;
  sendErrors = 0;
  ttl: number | undefined;
  sum = 0;
  count = 0;
  readonly buckets = new Array<number>(BUCKETS.length).fill(0);

  take({ rttSeconds, hopLimit }: EchoReply): void {
    this.sum += rttSeconds;
    this.count++;
    const bucket = BUCKETS.findIndex((limit) => rttSeconds <= limit);
    if (bucket !== -1) this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
    if (hopLimit !== undefined) this.ttl = hopLimit;
  }
}

/** Maximum remembered addresses of a name; names of pools change them continuously. */
const MAX_COUNTED = 64;

/** The counts of one target, by address. */
class TargetCounts {
  readonly #byAddress = new Map<string, EchoCounts>();

  of(address: string): EchoCounts {
    const known = this.#byAddress.get(address) ?? new EchoCounts();
    // The one not pinged for the longest time is first.
    this.#byAddress.delete(address);
    this.#byAddress.set(address, known);
    dropFirstAdded(this.#byAddress, MAX_COUNTED);
    return known;
  }

  report(out: Snapshot, job: string, target: string, tos: number): void {
    for (const [ip, counts] of this.#byAddress) {
      const values = [job, target, ip, target, '', String(tos)];
      out.add(SMOKEPING.requests, counts.requests, ...values);
      histogram(out, SMOKEPING.seconds, values, counts);
      if (counts.ttl !== undefined) out.add(SMOKEPING.ttl, counts.ttl, ...values);
      out.add(SMOKEPING.duplicates, counts.duplicates, ...values);
      out.add(SMOKEPING.sendErrors, counts.sendErrors, ...values);
    }
  }
}

/** As formatted by Go: `5e-05`, and 0.0001 from there on. */
const limitText = (limit: number): string =>
  limit < 1e-4 ? limit.toExponential().replace(/e-(\d)$/, 'e-0$1') : String(limit);

function histogram(out: Snapshot, of: Family, values: readonly string[], { buckets, sum, count }: EchoCounts): void {
  let total = 0;
  const names = [...of.labels, 'le'];
  for (const [index, limit] of BUCKETS.entries()) {
    total += buckets[index] ?? 0;
    out.addSeries(of, `${of.name}_bucket${labelBlock(names, [...values, limitText(limit)])}`, total);
  }
  out.addSeries(of, `${of.name}_bucket${labelBlock(names, [...values, '+Inf'])}`, count);
  const block = labelBlock(of.labels, values);
  out.addSeries(of, `${of.name}_sum${block}`, sum);
  out.addSeries(of, `${of.name}_count${block}`, count);
}

class PingProbing implements Probing {
  readonly host: string;
  readonly #world: TaskWorld;
  readonly #options: PingOptions;
  readonly #counts: TargetCounts;
  #setup = 0;
  #lookup = 0;
  #reply: EchoReply | undefined;

  constructor(world: TaskWorld, settings: PingOptions, counts: TargetCounts, target: string) {
    this.host = target;
    this.#world = world;
    this.#options = settings;
    this.#counts = counts;
  }

  async run(attempt: Attempt): Promise<void> {
    const { signal, lookupSeconds } = attempt;
    const address = resolvedAddress(attempt);
    this.#lookup = lookupSeconds;
    const before = monotonicMs();
    pingerOf(address.family).open();
    this.#setup = secondsSince(before);
    attempt.enter('exchange');
    const { count, pause } = this.#options;
    let failure: unknown;
    for (let sent = 0; sent < count && !signal.aborted; sent++) {
      if (sent > 0) await sleep(pause, signal);
      try {
        this.#reply = await this.#echo(address, AbortSignal.any([signal, this.#patience(sent)]));
        attempt.reached(this.#reply.rttSeconds);
      } catch (cause) {
        if (cause instanceof ProbeImpossible) throw cause;
        failure = cause;
      }
    }
    if (this.#reply) return;
    const isSilence = failure === undefined || (failure instanceof Error && !('code' in failure));
    if (!isSilence) throw failure;
    throw new ProbeFailure('timeout', `no reply to ${count} echo${count === 1 ? '' : 'es'} from ${address.address}`);
  }

  report(put: Put, isResolved: boolean): void {
    put(ICMP.duration, isResolved ? this.#lookup : 0, 'resolve');
    put(ICMP.duration, this.#setup, 'setup');
    put(ICMP.duration, this.#reply?.rttSeconds ?? 0, 'rtt');
    if (this.#reply?.hopLimit !== undefined) put(ICMP.hopLimit, this.#reply.hopLimit);
  }

  /** Each echo except the last is cut short by the next one. */
  #patience(sent: number): AbortSignal {
    const { count } = this.#options;
    const timeoutMs = probeTimeoutMs(this.#world);
    return AbortSignal.timeout(sent === count - 1 ? timeoutMs : Math.ceil(timeoutMs / count));
  }

  async #echo(address: Address, signal: AbortSignal): Promise<EchoReply> {
    const { size, ttl, tos, dontFragment } = this.#options;
    const counts = this.#counts.of(address.address);
    counts.requests++;
    const onDuplicate = () => {
      counts.duplicates++;
    };
    try {
      const reply = await pingerOf(address.family).ping(address, { size, ttl, tos, dontFragment, onDuplicate }, signal);
      counts.take(reply);
      return reply;
    } catch (cause) {
      if (cause instanceof Error && cause.name === 'SyscallError') counts.sendErrors++;
      throw cause;
    }
  }
}

/** The icmp prober of blackbox_exporter, and smokeping_prober for short intervals. */
export const ping = defineTaskType({
  name: 'ping',
  summary:
    'Sends ICMP echoes, like the icmp prober of blackbox_exporter, without privileges where net.ipv4.ping_group_range allows it. With an interval below that of the push all echoes are counted, as in smokeping_prober.',
  group: 'probe',
  options,
  families: [...COMMON_FAMILIES, ...Object.values(ICMP), ...Object.values(SMOKEPING)],
  create(world, { ping: settings, ...choice }) {
    const { intervalMs, pushIntervalMs } = world;
    const countsAll = settings.series === 'all' || (settings.series === 'auto' && intervalMs < pushIntervalMs);
    const counts = new Map(choice.targets.map((target) => [target, new TargetCounts()]));
    const run = probeTargets(world, choice, (target) => {
      const its = counts.get(target) ?? new TargetCounts();
      return new PingProbing(world, settings, its, target);
    });
    return async (out, signal) => {
      try {
        await run(out, signal);
      } catch (cause) {
        if (cause instanceof ProbeImpossible) throw new NoData(cause.message, { cause });
        throw cause;
      }
      if (countsAll) for (const [target, its] of counts) its.report(out, world.job, target, settings.tos);
    };
  },
});
