/** No line about a group or a version is longer; the rest of such a line is passed over. */
const LONGEST_LINE = 64 * 1024;

/** The lines of a text that comes in pieces. */
export async function* linesOf(pieces: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + piece.toString()).split('\n');
    rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    yield* lines;
  }
  if (rest !== '') yield rest;
}
