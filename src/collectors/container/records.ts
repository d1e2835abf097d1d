import { MalformedFile } from '../../host/errors.ts';
import { eachLine } from '../../host/lines.ts';
import { integer, NotANumber } from '../../host/numbers.ts';

/** Gets the error of a line that could not be understood; the others are read all the same. */
export type LoseLine = (cause: MalformedFile) => void;

/** Calls `parse` for each line; what it throws costs that line only. */
export function eachRecord(path: string, text: string, lose: LoseLine, parse: (line: string) => void): void {
  eachLine(path, text, (line, number) => {
    try {
      parse(line);
    } catch (cause) {
      lose(new MalformedFile(path, number, cause instanceof Error ? cause.message : String(cause)));
    }
  });
}

/** A 64-bit count from here on was below zero. */
const WRAPPED = 2 ** 63;

/** A count of the kernel. Throws NotANumber, also for one that went below zero. */
export function count(text: string | undefined): number {
  const value = integer(text);
  if (value < 0 || value >= WRAPPED) throw new NotANumber(text);
  return value;
}
