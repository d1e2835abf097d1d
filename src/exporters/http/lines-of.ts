/** No line about a group or a version is longer. The rest of a longer line is skipped. */
const LONGEST_LINE = 64 * 1024;

/** The lines of a text that arrives in chunks. */
export async function* linesOf(pieces: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + piece.toString()).split('\n');
    rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    yield* lines;
  }
  if (rest !== '') yield rest;
}
