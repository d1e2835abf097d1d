const NEWLINE = 0x0a;
/** Compared by one native call each. */
const STRIDE = 512;

/**
 * What distinguishes two texts of whole lines: the lines between those that both begin with and those that both end
 * with. An event changes a few of a pod's 58 lines, and processing a line costs more than comparing it here.
 */
export function changedLines(before: Buffer, now: Buffer): [before: Buffer, now: Buffer] {
  const shorter = Math.min(before.length, now.length);
  let start = commonStart(before, now, shorter);
  start = start === 0 ? 0 : before.lastIndexOf(NEWLINE, start - 1) + 1;
  let tail = commonEnd(before, now, shorter - start);
  // The common end begins after a line end of both.
  if (tail > 0 && !(endsLine(before, before.length - tail, start) && endsLine(now, now.length - tail, start))) {
    const line = before.indexOf(NEWLINE, before.length - tail) + 1;
    tail = line === 0 ? 0 : before.length - line;
  }
  return [before.subarray(start, before.length - tail), now.subarray(start, now.length - tail)];
}

/** Whether a line begins at `at`, where one begins at `start`. */
const endsLine = (text: Buffer, at: number, start: number): boolean => at === start || text[at - 1] === NEWLINE;

function commonStart(one: Buffer, other: Buffer, most: number): number {
  let at = 0;
  while (at + STRIDE <= most && one.compare(other, at, at + STRIDE, at, at + STRIDE) === 0) at += STRIDE;
  while (at < most && one[at] === other[at]) at++;
  return at;
}

function commonEnd(one: Buffer, other: Buffer, most: number): number {
  const [end, otherEnd] = [one.length, other.length];
  const areEqual = (from: number, to: number) =>
    one.compare(other, otherEnd - to, otherEnd - from, end - to, end - from) === 0;
  let length = 0;
  while (length + STRIDE <= most && areEqual(length, length + STRIDE)) length += STRIDE;
  while (length < most && one[end - length - 1] === other[otherEnd - length - 1]) length++;
  return length;
}
