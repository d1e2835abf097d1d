/** The pieces as one buffer; a single piece is not copied. */
export function joined(pieces: readonly Buffer[]): Buffer {
  const [first, ...rest] = pieces;
  return first !== undefined && rest.length === 0 ? first : Buffer.concat(pieces);
}
