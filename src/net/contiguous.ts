/**
 * The same bytes in fewer buffers: those that follow each other in memory become one, without a copy. For node:http, each buffer
 * that is written costs as much as 10 KB of its bytes.
 */
export function contiguous(buffers: readonly Buffer[]): readonly Buffer[] {
  const runs: Buffer[] = [];
  let memory: ArrayBufferLike | undefined;
  let first: Buffer | undefined;
  let start = 0;
  let end = 0;
  const finish = () => {
    if (first === undefined || memory === undefined) return;
    runs.push(end - start === first.length ? first : Buffer.from(memory, start, end - start));
  };
  for (const buffer of buffers) {
    const { byteOffset, length } = buffer;
    if (byteOffset === end && buffer.buffer === memory) {
      end += length;
      continue;
    }
    finish();
    first = buffer;
    memory = buffer.buffer;
    start = byteOffset;
    end = byteOffset + length;
  }
  finish();
  return runs;
}
