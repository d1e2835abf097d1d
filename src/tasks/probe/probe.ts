import { monotonicMs, secondsSince } from '../../base/clock.ts';
import { fnv1a32 } from '../../base/fnv.ts';
import { nextSlice } from '../../base/turns.ts';
import type { Family } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { type Address, addressBytes } from '../../net/literal-address.ts';
import type { TaskRun, TaskWorld } from '../task-type.ts';
import { MAX_ADDRESSES, type Resolved, resolveTarget } from './addresses.ts';
import { failureOf, ProbeFailure, type Stage } from './failure.ts';
import { COMMON } from './families.ts';
import type { ProbeOptions } from './options.ts';

/** Adds a sample of the current target. */
export type Put = (family: Family, value: number, ...labels: readonly string[]) => void;

/** One probe of one address. */
export interface Attempt {
  /** The host to connect to, as named in the target. */
  readonly host: string;
  /** Absent if a proxy resolves the name. */
  readonly address?: Address;
  readonly lookupSeconds: number;
  /** Fires at the timeout. */
  readonly signal: AbortSignal;
  /** Reports the stage of the probe, for the meaning of errors. */
  enter(stage: Stage): void;
  /** Reports how long the address took to connect or reply. */
  reached(seconds: number): void;
}

/** The address of an attempt by a type whose targets are always resolved here. */
export function resolvedAddress({ address }: Attempt): Address {
  if (address === undefined) throw new Error('BUG: no address');
  return address;
}

/** The probing of one target, with its results so far; one per run. */
export interface Probing {
  /** Empty if there is nothing to resolve. */
  readonly host: string;
  /** Resolves when all checks have passed; throws ProbeFailure or the error of a socket. */
  run(attempt: Attempt): Promise<void>;
  /** Adds the known values, whatever the result of the run. `isResolved`: whether there was an address. */
  report(put: Put, isResolved: boolean, lookupSeconds: number): void;
}

/** State of a target between runs. */
interface ProbedTarget {
  readonly name: string;
  successes: number;
  failures: number;
  /** The last logged reason. */
  reason: string;
}

/** The result of one target. */
interface Result {
  readonly failure?: ProbeFailure;
  readonly seconds: number;
  readonly lookupSeconds: number;
  readonly resolved?: Resolved;
  readonly address?: Address;
  readonly probing: Probing;
  readonly others: readonly AddressResult[];
}

interface AddressResult {
  readonly address: Address;
  readonly failure?: ProbeFailure;
  readonly seconds: number;
  readonly probing: Probing;
}

/** A run ends with its interval: the result of an unresponsive target must be available before. */
const SPARE_MS = 500;

/** The timeout of a probe; `timeout` of the task, unless its interval is too short for that. */
export const probeTimeoutMs = ({ timeoutMs, intervalMs }: Pick<TaskWorld, 'timeoutMs' | 'intervalMs'>): number =>
  intervalMs === 0 ? timeoutMs : Math.min(timeoutMs, Math.max(intervalMs - SPARE_MS, intervalMs * 0.8));

/**
 * A task that probes targets in parallel. `begin` creates the probing of one target for one run. All series of a target
 * are adjacent.
 */
export function probeTargets(world: TaskWorld, options: ProbeOptions, begin: (target: string) => Probing): TaskRun {
  const targets = options.targets.map((name): ProbedTarget => ({ name, successes: 0, failures: 0, reason: 'ok' }));
  return async (out, signal) => {
    const results: (Result | undefined)[] = [];
    const running: Promise<void>[] = [];
    for (const [index, { name }] of targets.entries()) {
      // Connections started in one turn of the event loop would get their responses in one turn, too.
      if (index > 0) await nextSlice();
      running.push(
        probeTarget(world, options, () => begin(name), signal).then((result) => {
          results[index] = result;
        }),
      );
    }
    await Promise.all(running);
    for (const [index, target] of targets.entries()) {
      const result = results[index];
      if (result) report(out, world, options, target, result);
    }
  };
}

async function probeTarget(
  world: TaskWorld,
  options: ProbeOptions,
  begin: () => Probing,
  outer: AbortSignal,
): Promise<Result> {
  const timeoutMs = probeTimeoutMs(world);
  const startMs = monotonicMs();
  using deadline = new ProbeDeadline(timeoutMs, outer);
  const { signal } = deadline;
  const probing = begin();
  let lookupSeconds = 0;
  let resolved: Resolved | undefined;
  try {
    if (probing.host !== '') {
      resolved = await resolveTarget(probing.host, options, world, signal).finally(() => {
        lookupSeconds = secondsSince(startMs);
      });
    }
  } catch (cause) {
    const failure = failureOf(cause, 'resolve', signal, timeoutMs);
    return { failure, seconds: secondsSince(startMs), lookupSeconds, probing, others: [] };
  }
  const addresses = options.addresses === 'all' ? (resolved?.addresses.slice(0, MAX_ADDRESSES) ?? []) : [];
  const probe = (address: Address | undefined, its: Probing) =>
    probeAddress(its, { ...(address && { address }), lookupSeconds, signal }, timeoutMs);
  const [first, ...more] = addresses.length > 0 ? addresses : [resolved?.addresses[0]];
  const [main, ...rest] = await Promise.all([
    probe(first, probing).then((result) => ({ ...result, probing })),
    ...more.map(async (address) => {
      const its = begin();
      return { ...(await probe(address, its)), probing: its };
    }),
  ]);
  const all = [main, ...rest].flatMap((result, index) => {
    const address = addresses[index];
    return address ? [{ ...result, address }] : [];
  });
  const failure = overall(main, all, options.require);
  return {
    ...(failure && { failure }),
    seconds: secondsSince(startMs),
    lookupSeconds,
    ...(resolved && { resolved }),
    ...(first && { address: first }),
    probing,
    others: all,
  };
}

/** With all addresses: fails if one of them does, or only if none responds. */
function overall(
  main: { readonly failure?: ProbeFailure },
  all: readonly AddressResult[],
  require: ProbeOptions['require'],
): ProbeFailure | undefined {
  if (all.length === 0) return main.failure;
  const failed = all.filter(({ failure }) => failure !== undefined);
  if (require === 'any' && failed.length < all.length) return undefined;
  const [first] = failed;
  if (first?.failure === undefined) return undefined;
  const { reason, message } = first.failure;
  return new ProbeFailure(reason, `${first.address.address}: ${message}`, { cause: first.failure });
}

async function probeAddress(
  probing: Probing,
  attempt: Pick<Attempt, 'address' | 'lookupSeconds' | 'signal'>,
  timeoutMs: number,
): Promise<{ readonly failure?: ProbeFailure; readonly seconds: number }> {
  let stage: Stage = 'connect';
  let seconds = 0;
  try {
    await probing.run({
      ...attempt,
      host: probing.host,
      enter: (next) => {
        stage = next;
      },
      reached: (value) => {
        seconds = value;
      },
    });
    return { seconds };
  } catch (cause) {
    return { failure: failureOf(cause, stage, attempt.signal, timeoutMs), seconds };
  }
}

function report(
  out: Snapshot,
  world: TaskWorld,
  options: ProbeOptions,
  target: ProbedTarget,
  { failure, seconds, lookupSeconds, resolved, address, probing, others }: Result,
): void {
  const { job, now, log } = world;
  const put: Put = (family, value, ...labels) => out.add(family, value, job, target.name, ...labels);
  const reason = failure?.reason ?? 'ok';
  if (failure) target.failures++;
  else target.successes++;
  put(COMMON.success, failure ? 0 : 1);
  put(COMMON.duration, seconds);
  put(COMMON.timeout, probeTimeoutMs(world) / 1000);
  put(COMMON.lookup, lookupSeconds);
  put(COMMON.protocol, address?.family ?? 0);
  put(COMMON.hash, address ? fnv1a32(addressBytes(address)) >>> 0 : 0);
  probing.report(put, probing.host === '' || address !== undefined, lookupSeconds);
  put(COMMON.up, 1, reason);
  put(COMMON.lastRun, now() / 1000);
  put(COMMON.runs, target.successes, 'success');
  put(COMMON.runs, target.failures, 'failure');
  if (resolved) {
    put(COMMON.resolved, resolved.ip4, 'ip4');
    put(COMMON.resolved, resolved.ip6, 'ip6');
  }
  if (options.addresses === 'all') {
    for (const other of others) {
      put(COMMON.addressSuccess, other.failure ? 0 : 1, other.address.address);
      put(COMMON.addressDuration, other.seconds, other.address.address);
    }
    if (resolved) put(COMMON.addressesSkipped, Math.max(0, resolved.addresses.length - others.length));
  }
  if (reason === target.reason) return;
  target.reason = reason;
  if (failure) log.warn({ target: target.name, reason }, `probe failed: ${failure.message}`);
  else log.info({ target: target.name }, 'probe succeeds again');
}

/** Fires after `timeoutMs`, or when `outer` does; for `using`, so that it is cleaned up. */
class ProbeDeadline {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #timer: NodeJS.Timeout;

  constructor(timeoutMs: number, outer: AbortSignal) {
    this.#outer = outer;
    this.#timer = setTimeout(this.#fire, timeoutMs);
    if (outer.aborted) this.#fire();
    else outer.addEventListener('abort', this.#fire, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  readonly #fire = (): void => this.#controller.abort(new Error('timed out'));

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener('abort', this.#fire);
  }
}
