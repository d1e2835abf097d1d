// /etc/os-release, or else /usr/lib/os-release: os-release(5).
import type { Host } from './host.ts';
import { eachRecord, type Losses } from './lines.ts';
import { textOrLost } from './records.ts';

/** The file that was read, and its variables. */
interface OsRelease {
  readonly path: string;
  readonly variables: ReadonlyMap<string, string>;
}

/**
 * The first of the two files that can be read; undefined if there is none. One that exists but cannot be read, is empty
 * or has another format is recorded as a loss.
 */
export function readOsRelease(lost: Losses, host: Host): OsRelease | undefined {
  for (const path of [host.root('/etc/os-release'), host.root('/usr/lib/os-release')]) {
    const text = textOrLost(lost, host, path);
    if (text === undefined) continue;
    try {
      return { path, variables: parseOsRelease(lost, path, text) };
    } catch (cause) {
      lost.lose(path, cause);
    }
  }
  return undefined;
}

/**
 * The assignments of a shell-compatible file, quotes and backslashes resolved. Throws MalformedFile when most lines are
 * malformed.
 */
export function parseOsRelease(lost: Losses, path: string, text: string): Map<string, string> {
  const values = new Map<string, string>();
  eachRecord(lost, path, text, (line) => {
    const assignment = line.trim();
    if (assignment === '' || assignment.startsWith('#')) return;
    const equals = assignment.indexOf('=');
    if (equals < 1) throw new Error(`expected KEY=value, found ${JSON.stringify(assignment.slice(0, 40))}`);
    values.set(assignment.slice(0, equals), unquote(assignment.slice(equals + 1)));
  });
  return values;
}

/** Within double quotes, the shell removes a backslash only before these. */
const ESCAPED = /\\([\\"$`])/g;

function unquote(value: string): string {
  const quote = value[0];
  if (quote !== '"' && quote !== "'") return value.replaceAll(/\\(.)/g, '$1');
  if (value.length < 2 || !value.endsWith(quote)) throw new Error(`no closing quote in ${JSON.stringify(value)}`);
  const inner = value.slice(1, -1);
  return quote === '"' ? inner.replaceAll(ESCAPED, '$1') : inner;
}
