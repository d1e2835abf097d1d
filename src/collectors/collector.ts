import * as z from 'zod';
import { isOfHost, MissingFile, Unsupported } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import type { Family } from '../metrics/family.ts';
import type { Group } from '../metrics/group.ts';
import { NoData } from '../metrics/outcome.ts';
import type { Producer } from '../metrics/scope.ts';
import type { Snapshot } from '../metrics/snapshot.ts';
import { knownLoss, lossText } from './known-losses.ts';

/**
 * Adds what it sees to `out`. One odd record of a file, one file of several or one device costs no more than itself:
 * `eachRecord` of host/lines.ts for records, `recordsOfFile` of host/records.ts for files, `out.attempt` for all else.
 * What is not there (a row, a column, a file that not every kernel has) has no sample; it is never a 0. Ends in one of three ways: returns, perhaps with lost units in `out.errors`; throws
 * NoData, or lets a MissingFile through, when this host has nothing to see; throws anything else when it failed as a
 * whole. What it loses for want of rights (known-losses.ts) is no fault. Gives up when `signal` fires. Does not log and does not know how its data travels.
 */
export type Collect = (out: Snapshot, signal: AbortSignal) => void | Promise<void>;

/** Runs of `collect` one after the other: a request for /metrics may come while a cycle is under way. */
export function oneByOne(collect: Collect): Collect {
  let running: Promise<void> = Promise.resolve();
  return (out, signal) => {
    const run = running.then(() => collect(out, signal));
    running = run.catch(() => undefined);
    return run;
  };
}

/** What a collector may use of the world. */
export interface World {
  readonly host: Host;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
  /** The configured name of this node, if there is one. */
  readonly nodeName?: string | undefined;
}

/** A collector as data: lists, configuration schema and docs are made from these records. */
export interface CollectorSpec<Options extends z.ZodObject = z.ZodObject> {
  /** The word that names it in configuration, docs, self metrics and its file. */
  readonly name: string;
  /** Whether it runs when the configuration does not say. */
  readonly enabled: boolean;
  /** What it tells and where it reads it, for the docs; also on which hosts there is nothing. */
  readonly summary: string;
  /** Its options, a strict object in which everything has a default. */
  readonly options: Options;
  /** Why there may be no sample although all could be read, as without devices. Without it, that is a fault. */
  readonly whenEmpty?: string;
  /** What it may emit. Families whose names are only known at run time are described in `summary`. */
  readonly families: readonly Family[];
  /** Of `families`, the one whose only series is 1 when anything was lost; the registry raises it for what it refuses. */
  readonly errorFlag?: Family;
  /** Binds it to a host; what it keeps between cycles lives in this closure. */
  create(world: World, options: z.output<Options>): Collect;
}

/** For collectors without options. */
export const NO_OPTIONS = z.strictObject({});

/** Keeps the types of `options` and `create` together. */
export const defineCollector = <Options extends z.ZodObject>(spec: CollectorSpec<Options>): CollectorSpec<Options> =>
  spec;

/**
 * The collector made; where the host does not let it (a file that is hidden or can't be read), it is made again in each
 * cycle, which reports why. What is wrong with the options is thrown.
 */
function created(spec: CollectorSpec, world: World, options: Record<string, unknown>): Collect {
  let collect: Collect | undefined;
  try {
    collect = spec.create(world, options);
  } catch (cause) {
    if (!isOfHost(cause)) throw cause;
  }
  return (
    collect ??
    ((out, signal) => {
      collect ??= spec.create(world, options);
      return collect(out, signal);
    })
  );
}

/** Binds a collector to this host, as a producer of the registry. */
export function bindCollector(group: Group, spec: CollectorSpec, world: World, options: object): Producer {
  const collect = created(spec, world, options as Record<string, unknown>);
  const id = `${group}.${spec.name}`;
  /** Tells losses that come of the agent's rights from all others. */
  const settle = (out: Snapshot): void => {
    if (out.errors.length === 0) return;
    for (const error of out.errors.splice(0)) {
      const known = knownLoss(id, error);
      if (known === undefined) out.errors.push(error);
      else if (!out.withheld.includes(lossText(known))) out.withheld.push(lossText(known));
    }
  };
  const ended = (out: Snapshot, cause: unknown): void => {
    if (cause instanceof MissingFile || cause instanceof Unsupported) throw new NoData(cause.message, { cause });
    if (!(cause instanceof Error && knownLoss(id, cause))) throw cause;
    out.lose(spec.name, cause);
    settle(out);
  };
  return {
    group,
    name: spec.name,
    ...(spec.errorFlag && { errorFlag: spec.errorFlag }),
    whenEmpty: spec.whenEmpty,
    collect(out, signal) {
      try {
        const running = collect(out, signal);
        if (running === undefined) return settle(out);
        return running.then(
          () => settle(out),
          (cause: unknown) => ended(out, cause),
        );
      } catch (cause) {
        return ended(out, cause);
      }
    },
  };
}
