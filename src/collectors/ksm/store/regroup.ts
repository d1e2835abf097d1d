import { turn } from '../../../base/turns.ts';
import type { Family } from '../../../metrics/family.ts';
import { headerText } from '../../../metrics/text/format.ts';
import { eachLine } from './family-tally.ts';
import type { Shard } from './text-block.ts';

/** Text held at a time. A pass over the shards takes a third of a second for 10,000 pods, which have 90 MB. */
const PASS_BYTES = 32 * 1024 * 1024;

/** A family and the bytes of all its sample lines. */
export interface CountedFamily {
  readonly family: Family;
  readonly bytes: number;
}

/**
 * Text in object order regrouped by family: as many families at once as fit into the budget (a larger one by itself),
 * in as many passes over the shards as that takes. Yields a family's header and then its lines.
 */
export async function* regroup(
  shards: readonly Shard[],
  families: readonly CountedFamily[],
  passBytes = PASS_BYTES,
): AsyncGenerator<Buffer> {
  for (const batch of batches(families, passBytes)) {
    const lines = new Map(batch.map(({ family, bytes }) => [family.name, { text: Buffer.allocUnsafe(bytes), at: 0 }]));
    for (const shard of shards) {
      await turn();
      const { text } = shard;
      eachLine(text, (name, start, end) => {
        const target = lines.get(name);
        if (target) target.at += text.copy(target.text, target.at, start, end);
      });
    }
    for (const { family } of batch) {
      yield Buffer.from(headerText(family));
      yield lines.get(family.name)?.text ?? Buffer.alloc(0);
    }
  }
}

/** The lines of one family in the order of the shards, a piece for each shard that has some. */
export async function* linesOf(shards: readonly Shard[], family: string): AsyncGenerator<string> {
  for (const shard of shards) {
    await turn();
    const { text } = shard;
    const found: Buffer[] = [];
    eachLine(text, (name, start, end) => {
      if (name === family) found.push(text.subarray(start, end));
    });
    if (found.length > 0) yield Buffer.concat(found).toString();
  }
}

function* batches(families: readonly CountedFamily[], passBytes: number): Generator<CountedFamily[]> {
  let batch: CountedFamily[] = [];
  let size = 0;
  for (const family of families) {
    if (batch.length > 0 && size + family.bytes > passBytes) {
      yield batch;
      batch = [];
      size = 0;
    }
    batch.push(family);
    size += family.bytes;
  }
  if (batch.length > 0) yield batch;
}
