// Which pages of a mapped file this process uses. Linux does not report it to the process itself, but a page that has been
// released and is used is mapped again. At a page fault Linux maps all pages of the surrounding 64 KiB that are in the page
// cache (`fault_around_bytes`), used or not, so one part of each 64 KiB is released at a time.
import { endianness } from 'node:os';

/** How many parts of {@link PART_BYTES} the 64 KiB of a page fault have. */
export const PARTS = 4;
const PART_BYTES = 16 * 1024;

/** State of a page: used or not yet tested; being tested; not used during its last test. */
const USED = 0;
const TESTED = 1;
const UNUSED = 2;

/** Bytes of a page's entry in /proc/<pid>/pagemap. */
export const ENTRY_BYTES = 8;

/** The byte with the highest bits: 63 "present", 62 "swapped", 61 "of a file". */
const FLAGS_AT = endianness() === 'LE' ? 7 : 0;
const PRESENT_OR_SWAPPED = 0xc0;
const PRESENT_AND_OF_A_FILE = 0xa0;

/** A range of pages: the index of the first, and of the one after the last. */
type Range = readonly [from: number, to: number];

/** Adjacent pages of a mapping. */
interface Pages {
  /** Their entries of /proc/<pid>/pagemap. */
  readonly entries: Uint8Array;
  /** What is known about them; zeros at first. Updated. */
  readonly states: Uint8Array;
  /** The number of the first: its address divided by the size of a page. */
  readonly first: number;
  readonly pageBytes: number;
}

/**
 * The pages to release now: those of `part`, or all, which are tested from now on, and those known to be unused that a
 * neighbour has brought back. A page that is mapped when its test ends was used. Ranges may contain pages that are not
 * mapped, but none that this process has changed.
 */
export function pagesToRelease({ entries, states, first, pageBytes }: Pages, part: number | 'all'): Range[] {
  const ranges: Range[] = [];
  const pagesOfPart = PART_BYTES / pageBytes;
  const offset = first % (PARTS * Math.max(1, pagesOfPart));
  let from = -1;
  let to = -1;
  for (let page = 0; page < states.length; page++) {
    const flags = entries[page * ENTRY_BYTES + FLAGS_AT] ?? 0;
    const isMapped = (flags & PRESENT_AND_OF_A_FILE) === PRESENT_AND_OF_A_FILE;
    if (states[page] === TESTED) states[page] = isMapped ? USED : UNUSED;
    if ((flags & PRESENT_OR_SWAPPED) === 0) continue;
    if (isMapped && (part === 'all' || (((offset + page) / pagesOfPart) | 0) % PARTS === part)) states[page] = TESTED;
    if (isMapped && states[page] !== USED) {
      if (from === -1) from = page;
      to = page + 1;
    } else if (from !== -1) {
      ranges.push([from, to]);
      from = -1;
    }
  }
  if (from !== -1) ranges.push([from, to]);
  return ranges;
}
