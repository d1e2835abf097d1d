import { compressionOf, compressor } from '../../metrics/compression.ts';
import type { Batch } from '../exporter.ts';

/**
 * Splits a batch in two: between members or, for a single member, between lines (without its header lines). Undefined
 * when it has only one sample.
 */
export async function splitBatch(batch: Batch): Promise<readonly [Batch, Batch] | undefined> {
  const { pack, unpack } = compressor(compressionOf(batch.encoding));
  if (batch.members.length > 1) {
    const middle = Math.ceil(batch.members.length / 2);
    const first = batch.members.slice(0, middle);
    let samples = 0;
    let textBytes = 0;
    for (const member of first) {
      const text = await unpack(member);
      samples += sampleLines(text).length;
      textBytes += text.length;
    }
    return parts(batch, first, batch.members.slice(middle), samples, textBytes);
  }
  const lines = sampleLines(await unpack(batch.members[0] ?? Buffer.alloc(0)));
  if (lines.length < 2) return undefined;
  const middle = Math.ceil(lines.length / 2);
  const [first, second] = [lines.slice(0, middle), lines.slice(middle)].map((half) =>
    Buffer.from(`${half.join('\n')}\n`),
  );
  if (!first || !second) return undefined;
  return parts(batch, [await pack(first)], [await pack(second)], middle, first.length);
}

function parts(
  whole: Batch,
  first: readonly Buffer[],
  second: readonly Buffer[],
  samples: number,
  textBytes: number,
): readonly [Batch, Batch] {
  const { onSettled } = whole;
  let left = 2;
  const batch = { ...whole, ...(onSettled && { onSettled: () => void (--left === 0 && onSettled()) }) };
  return [
    { ...batch, members: first, samples, textBytes },
    {
      ...batch,
      members: second,
      samples: Math.max(0, batch.samples - samples),
      textBytes: Math.max(0, batch.textBytes - textBytes),
    },
  ];
}

/** The lines that are neither comments nor empty. */
const sampleLines = (text: Buffer): string[] =>
  text
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
