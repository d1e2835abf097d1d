// The names of process-exporter's groups: Go templates (text/template) of fields only. Pure.

/** The fields available to names and matchers. */
export interface Attributes {
  /** Field 2 of `/proc/<pid>/stat`. */
  readonly comm: string;
  /** The arguments; only the first 4 KiB of a longer command line. None for kernel threads and zombies. */
  readonly argv: readonly string[];
  /** Name of the effective user; its number if it has no name. */
  readonly username: string;
  /** Paths of `/proc/<pid>/cgroup`, in its order. */
  readonly cgroups: readonly string[];
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** Text of the named groups of the matcher's expressions. */
export type Matches = ReadonlyMap<string, string>;

type Field = 'Comm' | 'ExeBase' | 'ExeFull' | 'Username' | 'Cgroups' | 'PID' | 'StartTime';

const FIELDS: Readonly<Record<Field, (process: Attributes) => string>> = {
  Comm: ({ comm }) => comm,
  ExeBase: ({ argv: [first], comm }) => (first === undefined ? comm : baseName(first)),
  ExeFull: ({ argv: [first], comm }) => first ?? comm,
  Username: ({ username }) => username,
  Cgroups: ({ cgroups }) => `[${cgroups.join(' ')}]`,
  PID: ({ pid }) => String(pid),
  StartTime: ({ startedAt }) => goTime(startedAt),
};

const isField = (name: string): name is Field => Object.hasOwn(FIELDS, name);

/** A name with placeholders, parsed. */
export interface Template {
  /** The fields that it uses; without any, the name is always the same. */
  readonly fields: ReadonlySet<Field>;
  /** Whether it uses groups of the expressions. */
  readonly usesMatches: boolean;
  render(process: Attributes, matches: Matches): string;
}

/** `{{.Field}}` or `{{.Matches.name}}`; a minus trims the white space on its side. */
const PLACEHOLDER = /(\s*\{\{-\s+|\{\{)\s*(.*?)\s*(\s-\}\}\s*|\}\})/gs;

/** Parses the template of a name. Throws an Error that names the unsupported part. */
export function parseTemplate(source: string): Template {
  const parts: ((process: Attributes, matches: Matches) => string)[] = [];
  const fields = new Set<Field>();
  let usesMatches = false;
  let end = 0;
  const literal = (text: string) => {
    if (text.includes('{{')) throw new Error(`the name ${JSON.stringify(source)} has an unclosed {{`);
    if (text !== '') parts.push(() => text);
  };
  for (const match of source.matchAll(PLACEHOLDER)) {
    const [whole, , expression = ''] = match;
    literal(source.slice(end, match.index));
    end = match.index + whole.length;
    const field = /^\.(\w+)$/.exec(expression)?.[1] ?? '';
    const group = /^\.Matches\.(\w+)$/.exec(expression)?.[1];
    if (group !== undefined) {
      usesMatches = true;
      // Go's output for an absent key.
      parts.push((_, matches) => matches.get(group) ?? '<no value>');
    } else if (isField(field)) {
      fields.add(field);
      parts.push(FIELDS[field]);
    } else {
      throw new Error(unsupported(expression));
    }
  }
  literal(source.slice(end));
  return { fields, usesMatches, render: (process, matches) => parts.map((part) => part(process, matches)).join('') };
}

function unsupported(expression: string): string {
  if (expression === '.Matches') {
    return '{{.Matches}} would expose the matched command line as a label: use a named group, (?P<x>…) and {{.Matches.x}}';
  }
  const known = [...Object.keys(FIELDS), 'Matches.NAME'].map((name) => `{{.${name}}}`).join(' ');
  return `unsupported template {{${expression}}}; a name may have ${known}`;
}

/** The last element of a path, like Go's filepath.Base. */
export function baseName(path: string): string {
  if (path === '') return '.';
  const trimmed = path.replace(/\/+$/, '');
  return trimmed === '' ? '/' : trimmed.slice(trimmed.lastIndexOf('/') + 1);
}

/** A time.Time in UTC as printed by Go: without trailing zeros of the fraction. */
function goTime(milliseconds: number): string {
  const [date = '', time = ''] = new Date(milliseconds).toISOString().split('T');
  return `${date} ${time.replace(/\.?0*Z$/, '')} +0000 UTC`;
}
