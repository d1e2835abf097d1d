import type { Snapshot } from '../../src/metrics/snapshot.ts';
import { numberText } from '../../src/metrics/text/format.ts';

/** The sample lines of a snapshot, `name{labels} value`, in its order. */
export const linesOf = ({ keys, values }: Snapshot): string[] =>
  keys.map((key, index) => `${key} ${numberText(values[index] ?? Number.NaN)}`);

/** The sample lines of an exposition text, without its comments. */
export const samplesIn = (text: string): string[] =>
  text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
