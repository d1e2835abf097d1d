// /proc/net/{netstat,snmp,snmp6}: proc_pid_net(5), RFC 4293 and others for the names. snmp6 is absent without IPv6.
import { errorText } from '../base/error-text.ts';
import { MalformedFile } from './errors.ts';
import { eachRecord, type Losses, words } from './lines.ts';
import { integer } from './numbers.ts';

/** What a reader wants of a field, perhaps its family; undefined if nothing. An error loses this field alone. */
export type FieldChoice<Wanted> = (protocol: string, field: string) => Wanted | undefined;

/** A line with the names of a protocol's fields. */
interface ColumnNames<Wanted> {
  /** Protocol with its colon. */
  readonly head: string;
  readonly columns: number;
  readonly fields: readonly { readonly column: number; readonly field: string; readonly wanted: Wanted }[];
  /** Why fields were refused; each only loses its own column. */
  readonly damaged: readonly string[];
}

const MAX_HEADERS = 100;

/**
 * Reads netstat and snmp, pairs of lines of which the first has the names and the second the values: `Tcp: InSegs
 * OutSegs`, `Tcp: 10 20`. The lines with names are the same in each cycle: each is split once.
 */
export class SnmpPairs<Wanted> {
  readonly #choose: FieldChoice<Wanted>;
  readonly #known = new Map<string, ColumnNames<Wanted>>();

  constructor(choose: FieldChoice<Wanted>) {
    this.#choose = choose;
  }

  /** Calls `take` for each wanted field. Losses have path and line. Throws MalformedFile when most lines are malformed. */
  parse(lost: Losses, path: string, text: string, take: (wanted: Wanted, value: number) => void): void {
    let header: ColumnNames<Wanted> | undefined;
    let headerLine = 0;
    const lose = (line: number, reason: string) => lost.lose(path, new MalformedFile(path, line, reason));
    eachRecord(lost, path, text, (line, number) => {
      const names = header;
      if (names === undefined || !line.startsWith(`${names.head} `)) {
        header = this.#header(line);
        for (const reason of header.damaged) lose(number, reason);
        // Two lines of names in a row: the first lacks its values.
        if (names !== undefined) lose(headerLine, `missing values line for ${names.head}`);
        headerLine = number;
        return;
      }
      header = undefined;
      const values = words(line);
      if (values.length !== names.columns) throw new Error(`the values do not match the names of ${names.head}`);
      for (const { column, field, wanted } of names.fields) {
        let value: number;
        try {
          value = integer(values[column]);
        } catch (cause) {
          lose(number, `${names.head.slice(0, -1)}_${field}: ${errorText(cause)}`);
          continue;
        }
        take(wanted, value);
      }
    });
    if (header !== undefined) lose(headerLine, `missing values line for ${(header as ColumnNames<Wanted>).head}`);
  }

  /** Throws for a line that does not begin with a protocol. */
  #header(line: string): ColumnNames<Wanted> {
    const known = this.#known.get(line);
    if (known !== undefined) return known;
    const [head = '', ...names] = words(line);
    if (!head.endsWith(':')) throw new Error('expected a protocol, a colon and names or values');
    const fields: ColumnNames<Wanted>['fields'][number][] = [];
    const damaged: string[] = [];
    for (const [index, field] of names.entries()) {
      try {
        const wanted = this.#choose(head.slice(0, -1), field);
        if (wanted !== undefined) fields.push({ column: index + 1, field, wanted });
      } catch (cause) {
        damaged.push(errorText(cause));
      }
    }
    const header = { head, columns: names.length + 1, fields, damaged };
    if (this.#known.size < MAX_HEADERS) this.#known.set(line, header);
    return header;
  }
}

/**
 * Reads snmp6, one field per line, `Icmp6InMsgs 7`: the protocol ends with the first 6. Losses as for
 * {@link SnmpPairs.parse}.
 */
export function parseSnmp6<Wanted>(
  lost: Losses,
  path: string,
  text: string,
  choose: FieldChoice<Wanted>,
  take: (wanted: Wanted, value: number) => void,
): void {
  eachRecord(lost, path, text, (line) => {
    const [name = '', value] = words(line);
    const end = name.indexOf('6') + 1;
    if (end === 0) throw new Error('expected a name with a 6 in it');
    if (value === undefined) throw new Error(`${name} has no value`);
    const wanted = choose(name.slice(0, end), name.slice(end));
    if (wanted !== undefined) take(wanted, integer(value));
  });
}
