// File names and what users write into files are bytes, mostly but not always UTF-8. A byte that is not valid UTF-8
// becomes a lone surrogate, U+DC80 to U+DCFF, which no valid text has: names therefore stay distinct, and can be
// converted back to open a file. `escapeLabelValue` of metrics shows such a byte as `\xe9`. Like "surrogateescape" of
// Python's PEP 383.
import { isUtf8 } from 'node:buffer';

/** The replacement character for bytes that are not UTF-8; valid text may contain it too. */
export const REPLACEMENT = '\uFFFD';
const FIRST = 0xdc00;

/** The text of `bytes`; each byte that is not valid UTF-8 becomes a lone surrogate. */
export function textOfBytes(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  // Nearly always the fast path: a one-byte string cannot contain the replacement character.
  return text.includes(REPLACEMENT) && !isUtf8(bytes) ? escaped(bytes) : text;
}

function escaped(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    text += length > 0 ? bytes.toString('utf8', at, at + length) : String.fromCharCode(FIRST + (bytes[at] ?? 0));
    at += Math.max(length, 1);
  }
  return text;
}

/** Length in bytes of the character at `at`; 0 if it is not valid UTF-8. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}

/** The argument to pass to a file system call for a path made by {@link textOfBytes}. */
export const pathOfText = (path: string): string | Buffer => (path.isWellFormed() ? path : bytesOfText(path));

function bytesOfText(text: string): Buffer {
  const parts: Buffer[] = [];
  for (const character of text) {
    const code = character.charCodeAt(0);
    const isByte = character.length === 1 && code >= FIRST + 0x80 && code <= FIRST + 0xff;
    parts.push(isByte ? Buffer.of(code - FIRST) : Buffer.from(character));
  }
  return Buffer.concat(parts);
}
