import type { Family } from './family.ts';
import { type CollectorResult, NoData } from './outcome.ts';
import type { SeenSnapshot } from './pushed-labels.ts';
import type { Producer } from './scope.ts';
import { Snapshot } from './snapshot.ts';

/** One run of a collector: what it emitted, and how it ended. */
export interface Run {
  readonly snapshot: Snapshot;
  readonly result: CollectorResult;
  readonly errorFlag?: Family | undefined;
  readonly shares?: boolean | undefined;
}

/** The run of a collector that must not run now. */
export function leftOut({ group, name }: Producer, reason: string): Run {
  const result = {
    group,
    collector: name,
    outcome: 'disabled',
    reason,
    errors: [],
    withheld: [],
    durationSeconds: 0,
    samples: 0,
  } as const;
  return { snapshot: new Snapshot(), result };
}

/** A run that has ended after `milliseconds`, with the error that ended it. */
export function finish(producer: Producer, seen: SeenSnapshot, milliseconds: number, error?: Error): Run {
  const { snapshot, renamed, overLimit } = seen;
  const { errorFlag, shares } = producer;
  const base = {
    group: producer.group,
    collector: producer.name,
    // Whole microseconds: more digits are noise that does not compress.
    durationSeconds: Math.round(milliseconds * 1000) / 1e6,
    samples: snapshot.size,
    ...(renamed > 0 && { renamed }),
    ...(overLimit > 0 && { overLimit }),
    withheld: snapshot.withheld,
  };
  if (error === undefined && snapshot.size === 0) return finishEmpty(producer, snapshot, base);
  const failure = error === undefined ? producer.failure?.() : undefined;
  if (failure !== undefined) {
    const errors = [...snapshot.errors, new Error(failure)];
    return { snapshot, errorFlag, shares, result: { ...base, outcome: 'fault', reason: failure, errors } };
  }
  if (error === undefined) {
    const outcome = snapshot.errors.length > 0 ? 'partial' : 'ok';
    return { snapshot, errorFlag, shares, result: { ...base, outcome, errors: snapshot.errors } };
  }
  if (error instanceof NoData) {
    const result = { ...base, outcome: 'nodata', reason: error.message, errors: snapshot.errors } as const;
    return { snapshot, errorFlag, result };
  }
  // Half of a collector's series would look like vanished devices, so a fault drops all of them.
  const nothing = new Snapshot();
  return {
    snapshot: nothing,
    result: { ...base, samples: 0, outcome: 'fault', reason: error.message, errors: [error] },
  };
}

/**
 * A run without samples is not a success: either the collector declares why this is legitimate, or it did not
 * understand its input.
 */
function finishEmpty(
  { whenEmpty }: Producer,
  snapshot: Snapshot,
  base: Omit<CollectorResult, 'outcome' | 'reason' | 'errors'>,
): Run {
  const { errors, withheld } = snapshot;
  const reason = withheld[0] ?? whenEmpty;
  if (errors.length === 0 && reason !== undefined) {
    return { snapshot, result: { ...base, outcome: 'nodata', isEmpty: withheld.length === 0, reason, errors } };
  }
  const [first = new Error('no samples, although its files are readable: they have an unexpected format')] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return {
    snapshot,
    result: { ...base, outcome: 'fault', reason: first.message + more, errors: errors.length > 0 ? errors : [first] },
  };
}
