import { turn } from '../../../base/turns.ts';
import type { Family } from '../../../metrics/family.ts';
import { headerText } from '../../../metrics/text/format.ts';
import { eachSampleLine } from './family-tally.ts';
import type { TextBlock } from './text-block.ts';

/**
 * Maximum text in memory at a time. A pass over the blocks takes a third of a second for 10,000 pods, which have 90 MB.
 */
const PASS_BYTES = 32 * 1024 * 1024;

/** A family and the total bytes of its sample lines. */
interface CountedFamily {
  readonly family: Family;
  readonly bytes: number;
}

/**
 * Regroups text from object order to family order: processes as many families at a time as fit into the budget (a
 * larger one alone), in as many passes over the blocks as needed. Yields the header of a family, then its lines.
 */
export async function* regroup(
  blocks: readonly TextBlock[],
  families: readonly CountedFamily[],
  passBytes = PASS_BYTES,
): AsyncGenerator<Buffer> {
  for (const pass of passes(families, passBytes)) {
    const lines = new Map(pass.map(({ family, bytes }) => [family.name, { text: Buffer.allocUnsafe(bytes), at: 0 }]));
    for (const block of blocks) {
      await turn();
      const { text } = block;
      eachSampleLine(text, (name, start, end) => {
        const target = lines.get(name);
        if (target) target.at += text.copy(target.text, target.at, start, end);
      });
    }
    for (const { family } of pass) {
      yield Buffer.from(headerText(family));
      yield lines.get(family.name)?.text ?? Buffer.alloc(0);
    }
  }
}

/** The lines of one family in block order, a chunk per block that has some. */
export async function* familyLines(blocks: readonly TextBlock[], family: string): AsyncGenerator<string> {
  for (const block of blocks) {
    await turn();
    const { text } = block;
    const found: Buffer[] = [];
    eachSampleLine(text, (name, start, end) => {
      if (name === family) found.push(text.subarray(start, end));
    });
    if (found.length > 0) yield Buffer.concat(found).toString();
  }
}

function* passes(families: readonly CountedFamily[], passBytes: number): Generator<CountedFamily[]> {
  let pass: CountedFamily[] = [];
  let size = 0;
  for (const family of families) {
    if (pass.length > 0 && size + family.bytes > passBytes) {
      yield pass;
      pass = [];
      size = 0;
    }
    pass.push(family);
    size += family.bytes;
  }
  if (pass.length > 0) yield pass;
}
