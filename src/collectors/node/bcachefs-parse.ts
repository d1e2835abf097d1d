import { MalformedFile } from '../../host/errors.ts';
import { eachLine, eachRecord, type Losses, words } from '../../host/lines.ts';
import { integer, unsignedDecimal } from '../../host/numbers.ts';

const UNITS = 'kmgtpe';

/** Bytes as bcachefs prints them: `720`, `28.2k`, `10.8T`, in steps of 1024; whole bytes. Throws NotANumber. */
export function parseHumanBytes(text: string): number {
  const power = UNITS.indexOf(text.at(-1)?.toLowerCase() ?? ' ') + 1;
  return Math.trunc(unsignedDecimal(power > 0 ? text.slice(0, -1) : text) * 1024 ** power);
}

/** Numbers that belong to a name. */
interface Row {
  readonly name: string;
  readonly numbers: readonly number[];
}

/**
 * A table of rows `name number...`, with or without a colon after the name; `columns` read the numbers. Rows with fewer
 * of them, such as a header's, are skipped.
 */
export function parseTable(
  lost: Losses,
  path: string,
  text: string,
  hasHeader: boolean,
  columns: readonly ((text: string) => number)[],
): Row[] {
  const rows: Row[] = [];
  eachRecord(lost, path, text, (line, number) => {
    const [name = '', ...cells] = words(line);
    if ((hasHeader && number === 1) || cells.length < columns.length) return;
    rows.push({ name: name.replace(/:$/, ''), numbers: columns.map((read, index) => read(cells[index] ?? '')) });
  });
  return rows;
}

/** Lines `name : number` by the title above them. */
export type Sections = ReadonlyMap<string, readonly (readonly [name: string, value: number])[]>;

/** A file of sections below lines that match `title`, whose group is the section's name. Throws MalformedFile. */
export function parseSections(path: string, text: string, title: RegExp): Sections {
  const sections = new Map<string, [string, number][]>();
  let section: [string, number][] | undefined;
  eachLine(path, text, (line) => {
    if (line.trim() === '') return;
    const [, opened] = title.exec(line) ?? [];
    if (opened !== undefined) {
      section = [];
      sections.set(opened, section);
      return;
    }
    if (section === undefined) throw new Error('expected the title of a section');
    const [name = '', value] = line.split(':', 2);
    section.push([name.trim(), integer(value?.trim())]);
  });
  return sections;
}

const SINCE_CREATION = 'since filesystem creation:';

/** The value of a counter since the file system was created. Throws MalformedFile, also if the file lacks it. */
export function parseCounter(path: string, text: string): number {
  let total: number | undefined;
  eachLine(path, text, (line) => {
    if (line.startsWith(SINCE_CREATION)) total = parseHumanBytes(line.slice(SINCE_CREATION.length).trim());
  });
  if (total === undefined) throw new MalformedFile(path, 1, `expected a line "${SINCE_CREATION}"`);
  return total;
}
