/** An invalid LZ4 block, or one that decodes to an unexpected size. */
export class BadBlock extends Error {}

/**
 * Decodes an LZ4 block (lz4_Block_format.md) into exactly `size` bytes. Throws BadBlock; reads and writes nothing
 * outside of its buffers, and takes at most as many steps as there are bytes.
 */
export function decodeLz4(block: Buffer, size: number): Buffer {
  const out = Buffer.alloc(size);
  let from = 0;
  let to = 0;
  const lengthOf = (nibble: number): number => {
    let length = nibble;
    if (nibble !== 15) return length;
    for (;;) {
      const more = block[from++];
      if (more === undefined) throw new BadBlock('unterminated length');
      length += more;
      if (more !== 255) return length;
    }
  };
  while (from < block.length) {
    const token = block[from++] as number;
    const literals = lengthOf(token >> 4);
    if (from + literals > block.length || to + literals > size) throw new BadBlock('literals past the end');
    block.copy(out, to, from, from + literals);
    from += literals;
    to += literals;
    // The last sequence has literals only.
    if (from === block.length) break;
    if (from + 2 > block.length) throw new BadBlock('match without an offset');
    const distance = block.readUInt16LE(from);
    from += 2;
    const length = lengthOf(token & 15) + 4;
    if (distance === 0 || distance > to || to + length > size) throw new BadBlock('match outside the output');
    // The source may overlap the destination, which then repeats.
    for (const end = to + length; to < end; to++) out[to] = out[to - distance] as number;
  }
  if (to !== size) throw new BadBlock(`${to} bytes instead of ${size}`);
  return out;
}
