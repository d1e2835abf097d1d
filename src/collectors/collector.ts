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
 * Collects and adds samples to `out`. One malformed record of a file, one file of several or one device must not
 * affect others: use `eachRecord` of host/lines.ts for records, `recordsOfFile` of host/records.ts for files,
 * `out.attempt` for everything else. Absent data (a row, a column, a file that not every kernel has) has no sample; it
 * is never reported as 0.
 *
 * Ends in one of three ways: returns, perhaps with lost units in `out.errors`; throws NoData, or lets a MissingFile
 * through, when this host has nothing to collect; throws anything else when it failed completely. Losses due to missing
 * permissions (known-losses.ts) are not a fault. Stops when `signal` fires. Does not log and does not know how its data
 * is exported.
 */
export type Collect = (out: Snapshot, signal: AbortSignal) => void | Promise<void>;

/** Serializes runs of `collect`: a request for /metrics may arrive during a cycle. */
export function oneByOne(collect: Collect): Collect {
  let running: Promise<void> = Promise.resolve();
  return (out, signal) => {
    const run = running.then(() => collect(out, signal));
    running = run.catch(() => undefined);
    return run;
  };
}

/** Dependencies available to a collector. */
export interface World {
  readonly host: Host;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
  /** The configured name of this node, if any. */
  readonly nodeName?: string | undefined;
}

/** A collector as data: lists, configuration schema and docs are generated from these records. */
export interface CollectorSpec<Options extends z.ZodObject = z.ZodObject> {
  /** Its name in configuration, docs, self metrics and its file. */
  readonly name: string;
  /** Whether it is enabled by default. */
  readonly enabled: boolean;
  /** What it reports and where it reads that, for the docs; also on which hosts there is no data. */
  readonly summary: string;
  /** Its options, a strict object in which every field has a default. */
  readonly options: Options;
  /** Why there may be no samples although everything could be read, e.g. no devices. If unset, that is a fault. */
  readonly whenEmpty?: string;
  /** The families it may emit. Families whose names are only known at run time are described in `summary`. */
  readonly families: readonly Family[];
  /**
   * Of `families`, the one whose only series is 1 when anything was lost; the registry also sets it for samples it
   * rejects.
   */
  readonly errorFlag?: Family;
  /** Binds it to a host; state kept between cycles lives in this closure. */
  create(world: World, options: z.output<Options>): Collect;
}

/** For collectors without options. */
export const NO_OPTIONS = z.strictObject({});

/** Preserves the types of `options` and `create` together. */
export const defineCollector = <Options extends z.ZodObject>(spec: CollectorSpec<Options>): CollectorSpec<Options> =>
  spec;

/**
 * Creates the collector. Where the host prevents it (a hidden or unreadable file), creation is retried in each cycle,
 * which reports the reason. Errors in the options are thrown.
 */
function created<Options extends z.ZodObject>(
  spec: CollectorSpec<Options>,
  world: World,
  options: z.output<Options>,
): Collect {
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
export function bindCollector<Options extends z.ZodObject>(
  group: Group,
  spec: CollectorSpec<Options>,
  world: World,
  options: z.output<Options>,
): Producer {
  const collect = created(spec, world, options);
  const id = `${group}.${spec.name}`;
  /** Separates losses due to the agent's permissions from all others. */
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
