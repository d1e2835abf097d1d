import type { JournalField } from './field.ts';

/** The fields of one entry at a time, by name. */
export class CurrentFields {
  fields: readonly JournalField[] = [];

  get(name: string): string | undefined {
    for (const field of this.fields) if (field.name === name) return field.text;
    return undefined;
  }
}
