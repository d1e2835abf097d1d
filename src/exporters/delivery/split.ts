import { compressionOf, compressor } from '../../metrics/compression.ts';
import type { Body } from '../exporter.ts';

/**
 * Splits a batch in two: between members or, for a single member, between lines (without its header lines). Undefined
 * when it has only one sample.
 */
export async function splitBody(body: Body): Promise<readonly [Body, Body] | undefined> {
  const { pack, unpack } = compressor(compressionOf(body.encoding));
  if (body.members.length > 1) {
    const middle = Math.ceil(body.members.length / 2);
    const first = body.members.slice(0, middle);
    let samples = 0;
    let textBytes = 0;
    for (const member of first) {
      const text = await unpack(member);
      samples += sampleLines(text).length;
      textBytes += text.length;
    }
    return parts(body, first, body.members.slice(middle), samples, textBytes);
  }
  const lines = sampleLines(await unpack(body.members[0] ?? Buffer.alloc(0)));
  if (lines.length < 2) return undefined;
  const middle = Math.ceil(lines.length / 2);
  const [first, second] = [lines.slice(0, middle), lines.slice(middle)].map((half) =>
    Buffer.from(`${half.join('\n')}\n`),
  );
  if (!first || !second) return undefined;
  return parts(body, [await pack(first)], [await pack(second)], middle, first.length);
}

function parts(
  whole: Body,
  first: readonly Buffer[],
  second: readonly Buffer[],
  samples: number,
  textBytes: number,
): readonly [Body, Body] {
  const { onSettled } = whole;
  let left = 2;
  const body = { ...whole, ...(onSettled && { onSettled: () => void (--left === 0 && onSettled()) }) };
  return [
    { ...body, members: first, samples, textBytes },
    {
      ...body,
      members: second,
      samples: Math.max(0, body.samples - samples),
      textBytes: Math.max(0, body.textBytes - textBytes),
    },
  ];
}

/** The lines that are neither comments nor empty. */
const sampleLines = (text: Buffer): string[] =>
  text
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
