import type { Label } from '../../metrics/label-limits.ts';
import { NAME_LABEL, sortedLabels } from './labels.ts';

/** Encoded labels of a series in order: those before its name, its name, those after it. */
export type LabelParts = readonly [before: Buffer, name: Buffer, after: Buffer];

/** Encodes the labels of series of one target. Repeated names and label blocks are encoded once. */
export class EncodedLabels {
  readonly #target: readonly Label[];
  readonly #encode: (labels: readonly Label[]) => Buffer;
  readonly #names = new Map<string, Buffer>();
  readonly #blocks = new Map<string, readonly [before: Buffer, after: Buffer]>();

  /** `encode` encodes labels for a version of the protocol. */
  constructor(target: readonly Label[], encode: (labels: readonly Label[]) => Buffer) {
    this.#target = target;
    this.#encode = encode;
  }

  /** The labels of the series `name` with the label block `{…}`. Throws TextFormatError for an invalid block. */
  of(name: string, block: string): LabelParts {
    let sides = this.#blocks.get(block);
    if (sides === undefined) {
      const [before, after] = sortedLabels(block, this.#target);
      sides = [this.#encode(before), this.#encode(after)];
      this.#blocks.set(block, sides);
    }
    let named = this.#names.get(name);
    if (named === undefined) {
      named = this.#encode([[NAME_LABEL, name]]);
      this.#names.set(name, named);
    }
    return [sides[0], named, sides[1]];
  }

  /** Forgets everything that was encoded. */
  clear(): void {
    this.#names.clear();
    this.#blocks.clear();
  }
}
