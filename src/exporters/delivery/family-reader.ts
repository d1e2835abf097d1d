import { familyNameOf, type MetricType } from '../../metrics/family.ts';

/** Finds the family of each line of a batch, whose TYPE lines come before the samples. */
export class FamilyReader {
  readonly #families = new Map<string, { readonly type: MetricType | undefined }>();

  /** Empty for plain comments. */
  familyOf(line: string): string {
    if (!line.startsWith('#')) return familyNameOf(/^[^{ ]*/.exec(line)?.[0] ?? '', this.#families);
    const [, word = '', name = '', type = ''] = line.split(' ', 4);
    // Only these have parts with other names.
    if (word === 'TYPE')
      this.#families.set(name, { type: type === 'histogram' || type === 'summary' ? type : undefined });
    return word === 'TYPE' || word === 'HELP' ? name : '';
  }
}
